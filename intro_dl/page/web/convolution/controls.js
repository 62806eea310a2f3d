"use strict";
// The controls of the tab Convolution, and what its sentences say.

/** Return the controls by name, and show(state), which sets all of them. `change` gets the values that the reader changes. */
function convolutionControls(tab, change) {
  const state = () => tab.state;
  const named = {
    picture: choice({ label: "Image", options: [], onchange: (picture) => change({ picture, ...(picture === "digit" ? { row: 12, column: 12 } : { row: 2, column: 3 }) }) }),
    run: choice({ label: "Run", options: [], onchange: (run) => change({ run, example: 0 }) }),
    example: slider({ label: "Test image", min: 0, max: 1, value: 0, format: (n) => exampleInWords(state(), n), oninput: (example) => change({ example }) }),
    again: button("Other noise", () => change({ seed: state().seed + 1 })),
    shift: slider({ label: "Shift to the right", min: 0, max: 4, value: 0, oninput: (shift) => change({ shift }) }),
    kernel: choice({ label: "Kind", options: [], onchange: (kernel) => change(valuesOfKernel(state(), kernel)) }),
    side: choice({ label: "Size", options: [[3, "3x3"], [5, "5x5"]], onchange: (side) => change({ kernel: "own", weights: resizedKernel(chosenKernel(state()).weights, side) }) }),
    stride: slider({ label: "Stride S", min: 1, max: 3, value: 1, oninput: (stride) => change({ stride }) }),
    padding: slider({ label: "Padding P", min: 0, max: 3, value: 0, oninput: (padding) => change({ padding }) }),
  };
  const pictures = [["shapes", "Shapes"], ["ramp", "Signal of the slide, in each row"], ["noise", "Random noise"]];
  const runs = imageRuns();
  named.picture.setOptions(runs.length ? [...pictures, ["digit", "Test image of a run"]] : pictures);
  named.run.setOptions(runs.map((entry) => [RUNS.indexOf(entry), titleOfRun(entry)]));
  const show = (shown) => {
    const entry = RUNS[shown.run];
    named.run.hidden = runs.length < 2;
    named.example.hidden = shown.picture !== "digit";
    named.again.hidden = shown.picture !== "noise";
    if (entry?.examples) named.example.setMax(entry.examples.length - 1);
    named.kernel.setOptions(kernelOptions(entry));
    const side = chosenKernel(shown).weights.shape[0];
    for (const [name, control] of Object.entries(named)) if (name !== "again") control.set(name === "side" ? side : shown[name]);
  };
  return { ...named, show };
}

/** Return the label of a test image: "3: a 7". */
function exampleInWords({ run }, number) {
  const entry = RUNS[run];
  const label = entry?.examples?.[number]?.label;
  return label === undefined ? String(number) : `${number}: ${entry.classes?.[label] ?? label}`;
}

/** Return the kernels to choose from: by hand, one's own, and the filters of the run. */
function kernelOptions(entry) {
  const filters = firstLayerFilters(entry);
  const learned = Array.from({ length: filters?.weights.shape[0] ?? 0 }, (_, i) => [`filter${i + 1}`, `Learned: filter ${i + 1} of ${entry.title}`]);
  return [...Object.entries(CONVOLUTION_KERNELS).map(([name, { title }]) => [name, title]), ["own", "My own"], ...learned];
}

/** Return what changes with the kernel: one's own begins with the one before; a learned one brings its image, stride and padding. */
function valuesOfKernel(state, kernel) {
  if (kernel === "own") {
    const { weights } = chosenKernel(state);
    return { kernel, weights: resizedKernel(weights, weights.shape[0] > 3 ? 5 : 3) };
  }
  if (!kernel.startsWith("filter")) return { kernel };
  const { stride, padding } = firstLayerFilters(RUNS[state.run]);
  return { kernel, picture: "digit", stride, padding };
}

/** Return the weights, rounded to 3 digits behind the point, in the middle of a larger or smaller square. */
function resizedKernel(weights, side) {
  const before = weights.shape[0];
  const cut = Math.floor((before - side) / 2);
  return Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [Math.floor(i / side) + cut, (i % side) + cut];
    const inside = Math.min(row, column) >= 0 && Math.max(row, column) < before;
    return inside ? Number(weights.data[row * before + column].toFixed(3)) : 0;
  });
}

/** Return the sentence about the size of the map, with the formula and the numbers. */
function sizeInWords(name, letter, size, side, { stride, padding }, result) {
  const quotient = (size + 2 * padding - side) / stride;
  const rounded = Number.isInteger(quotient) ? "" : `, ${cellNumber(quotient)} rounded down`;
  return `${name} of the map: (${letter} + 2P \u2212 K) / S + 1 = (${size} + 2 \u00b7 ${padding} \u2212 ${side}) / ${stride} + 1 = ${result}${rounded}`;
}

/** Return the sentences below the sliders: the size of the map, and the number of weights. */
function sizesInWords({ image, map, side }, state) {
  const [[height, width], [rows, columns]] = [image.shape, map.shape];
  const tall = sizeInWords("Height", "H", height, side, state, rows);
  const wide = sizeInWords("Width", "W", width, side, state, columns);
  const weights = `The map uses the same ${side * side} weights at all ${rows * columns} places. A fully connected layer of this size has ${height * width} \u00d7 ${rows * columns} = ${(height * width * rows * columns).toLocaleString("en")} weights.`;
  return height === width ? [tall.replace("Height", "Side"), weights] : [tall, wide, weights];
}

/** Return the sentence about a learned kernel, or about the kernel of the slide. */
function noteOnKernel({ run, picture, kernel, stride, padding }, { learned, bias }) {
  if (kernel === "difference" && picture === "ramp" && stride === 1 && padding === 0) {
    return "The slide has 11 \u2212 2 + 1 = 10 values. Here zeros make (\u22121, 1) a 3x3 kernel, which leaves 11 \u2212 3 + 1 = 9 in each row: the same values without the first 0.";
  }
  if (!learned) return "";
  const entry = RUNS[run];
  const pixels = picture === "digit" ? ` The pixels are those that the network sees: (pixel \u2212 ${shortNumber(entry.mean[0])}) / ${shortNumber(entry.std[0])}.` : "";
  return `${entry.title} learned these weights and the bias ${cellNumber(bias)} in its first layer (${firstLayerFilters(entry).name}).${pixels}`;
}
