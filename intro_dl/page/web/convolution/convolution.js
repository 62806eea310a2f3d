"use strict";
// Tab "Convolution": one kernel at every place of an image.
// Slides: lecture 004, "2D Convolution Over Multiple Channels", "Stride", "Padding" (figure G45); lecture 001, part 4.

const imageRuns = () => RUNS.filter((entry) => entry.kind === "images" && entry.examples?.length);
const FIRST_IMAGE_RUN = RUNS.indexOf(imageRuns()[0]);
const FIRST_FILTER_RUN = RUNS.findIndex((entry) => entry.examples?.length && firstLayerFilters(entry));

addTab({
  name: "convolution",
  title: "Convolution",
  sentence: "Move the window over the image: the number in the map is the sum of pixel times weight at all its places. Change a weight and see the map change.",
  tries: [
    ["The signal of the slide, times (\u22121, 1)", { picture: "ramp", kernel: "difference", column: 3, row: 4 }],
    ["Shift the image, and the map shifts", { shift: 3, kernel: "vertical" }],
    ["Stride 2 halves the map", { stride: 2, padding: 1 }],
    ...(FIRST_FILTER_RUN < 0 ? [] : [["A filter that a network learned", learnedStart(FIRST_FILTER_RUN, 1)]]),
  ],
  defaults: { run: Math.max(0, FIRST_IMAGE_RUN), picture: "shapes", example: 0, seed: 1, shift: 0, kernel: "vertical", weights: [0, 0, 0, 0, 1, 0, 0, 0, 0], stride: 1, padding: 0, row: 2, column: 3 },
  check: checkConvolution,
  build: buildConvolution,
});

/** Return the state that shows filter `number` of a run as its first layer uses it. */
function learnedStart(run, number) {
  const { stride, padding } = firstLayerFilters(RUNS[run]);
  return { run, picture: "digit", kernel: `filter${number}`, stride, padding, row: 12, column: 12 };
}

/** Return a state without values that the tab cannot use. */
function checkConvolution(state) {
  const entry = RUNS[state.run];
  const images = imageRuns().includes(entry);
  const filters = images ? firstLayerFilters(entry) : null;
  const kernels = [...Object.keys(CONVOLUTION_KERNELS), "own", ...Array.from({ length: filters?.weights.shape[0] ?? 0 }, (_, i) => `filter${i + 1}`)];
  return {
    ...state,
    picture: oneOf(state.picture, ["shapes", "ramp", "noise", ...(images ? ["digit"] : [])], "shapes"),
    example: wholeBetween(state.example, 0, (entry?.examples?.length ?? 1) - 1, 0),
    seed: wholeBetween(state.seed, 1, 1e9, 1),
    shift: wholeBetween(state.shift, 0, 4, 0),
    kernel: oneOf(state.kernel, kernels, "vertical"),
    weights: [9, 25].includes(state.weights.length) && state.weights.every((w) => Math.abs(w) <= 100) ? state.weights : [0, 0, 0, 0, 1, 0, 0, 0, 0],
    stride: wholeBetween(state.stride, 1, 3, 1),
    padding: wholeBetween(state.padding, 0, 3, 0),
    row: wholeBetween(state.row, 0, 999, 0),
    column: wholeBetween(state.column, 0, 999, 0),
  };
}

/** Build the panel: the image, the kernel and the map side by side; below them the sum, and the size of the map. */
function buildConvolution(panel, tab) {
  const input = makeCanvas({ width: 352, height: 352, label: "Image with the window", interactive: true });
  const output = makeCanvas({ width: 352, height: 352, label: "Map", interactive: true });
  const [sizes, sum, note] = [element("div"), element("p"), element("p", { class: "soft" })];
  const table = termTable();
  const fields = kernelFields((weights) => change({ kernel: "own", weights }));
  let shown = null; // what convolveState returned last

  const change = (values) => {
    tab.remember(checkConvolution({ ...tab.state, ...values }));
    compute();
  };
  const compute = () => {
    shown = convolveState(tab.state);
    fields.set(shown.kernel.weights.data, shown.side);
    named.show(tab.state);
    sizes.replaceChildren(...sizesInWords(shown, tab.state).map((sentence) => element("p", {}, sentence)));
    note.textContent = noteOnKernel(tab.state, shown.kernel);
    tab.command("intro-dl figures id=G45", shown.kernel.learned ? RUNS[tab.state.run].command : null);
    moveWindow(tab.state.row, tab.state.column);
  };
  const moveWindow = (toRow, toColumn) => {
    const [rows, columns] = shown.map.shape;
    const [row, column] = [between(toRow, 0, rows - 1, toRow < 0 ? 0 : rows - 1), between(toColumn, 0, columns - 1, toColumn < 0 ? 0 : columns - 1)];
    const { stride, padding } = tab.state;
    const terms = windowTerms(shown, stride, row, column);
    const total = terms.reduce((before, { product }) => before + product, 0);
    drawMatrix(input, shown.framed, { map: "grey", frame: padding, box: { row: row * stride, column: column * stride, side: shown.side } });
    drawMatrix(output, shown.map, { map: "signed", box: { row, column, side: 1 } });
    table.set(terms, shown.side);
    const bias = shown.kernel.learned ? `; with the bias ${cellNumber(shown.kernel.bias)} they give ${cellNumber(total + shown.kernel.bias)}` : "";
    sum.textContent = `Row ${row}, column ${column} of the map, counted from 0: the ${terms.length} products add up to ${cellNumber(total)}${bias}.`;
    for (const canvas of [input, output]) canvas.describe(`row ${row}, column ${column}: ${cellNumber(total + shown.kernel.bias)}`);
    return [row, column];
  };
  const move = (row, column) => {
    [row, column] = moveWindow(row, column);
    tab.remember({ row, column });
  };

  moveByPointer(input, () => Math.max(...shown.framed.shape), (place) => Math.round((place - shown.side / 2) / tab.state.stride), move);
  moveByPointer(output, () => Math.max(...shown.map.shape), Math.floor, move);
  for (const canvas of [input, output]) canvas.addEventListener("keydown", (event) => moveByKey(event, tab.state, move, sum));

  const named = convolutionControls(tab, change);
  const { picture, run, example, again, shift, kernel, side, stride, padding } = named;
  panel.append(
    controls(picture, run, example, again, shift),
    columns(
      element("figure", { class: "map" }, element("h3", {}, "Image"), input, element("figcaption", {}, "Mouse, finger or arrow keys move the window. Hatched: the frame of zeros.")),
      element("div", { class: "kernel-column" }, element("h3", {}, "Kernel"), controls(kernel, side), fields, note),
      element("figure", { class: "map" }, element("h3", {}, "Map"), output, element("figcaption", {}, "Blue is above 0, orange is below 0.")),
    ),
    element("div", { class: "columns even" },
      card("The sum at this place", element("p", { class: "soft" }, "Pixel \u00d7 weight = product, for each weight of the kernel."), element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Products" }, table), sum),
      card("The size of the map", controls(stride, padding), sizes),
    ),
  );
  tab.onState(compute);
  compute();
}

/** Move the window to the pointer: `toIndex` makes a row or column of the map of a place in cells. */
function moveByPointer(canvas, cells, toIndex, move) {
  const follow = (event) => {
    const [x, y] = canvasPoint(canvas, event);
    const cell = canvas.design.width / cells();
    move(toIndex(y / cell), toIndex(x / cell));
  };
  canvas.style.touchAction = "pan-y"; // a finger moves the window sideways, and the page up and down
  canvas.addEventListener("pointermove", follow);
  canvas.addEventListener("pointerdown", follow);
}

/** Move the window by an arrow key. */
function moveByKey(event, { row, column }, move, sum) {
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
  if (!down && !right) return;
  event.preventDefault();
  move(row + down, column + right);
  announce(sum.textContent);
}
