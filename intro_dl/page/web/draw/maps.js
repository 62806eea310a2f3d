"use strict";
// What each layer of the network computes for the image that it reads, and a closer look at one map or one unit.

const OPEN_LAYERS = 6; // of a deeper network, the other layers are closed at first
const TILES_SHOWN = 64; // of the weight images of a layer

/**
 * Return the view of the layers: {root, show(run, reading, {layer, unit})}; a reading of null shows nothing.
 * `onChoose({layer, unit})` is called after a click on a map or a unit.
 */
function makeLayersView({ onChoose }) {
  const root = element("div");
  const aside = element("div", { class: "closer" });
  const narrow = matchMedia("(max-width: 56rem)"); // there, the closer look stands in the layer that it belongs to
  const view = { root, rows: [], run: null, chosen: null };
  const place = () => (narrow.matches ? view.chosen.root : aside).append(view.closer.root);
  narrow.addEventListener("change", () => view.chosen && place());
  view.show = (run, reading, chosen) => {
    root.hidden = !reading;
    if (!reading) return;
    if (view.run !== run) {
      view.run = run;
      const layers = layersToShow(networkOf(run).graph);
      view.rows = layers.map((layer, index) => makeLayerRow(layer, index < OPEN_LAYERS, onChoose));
      view.closer = makeCloserLook();
      aside.replaceChildren(); // without that of the run before
      root.replaceChildren(
        element("h3", {}, "Layer by layer"),
        element("p", { class: "soft" }, "Blue is positive, orange is negative, the color of the page is 0. Choose a map or a unit to see its weights."),
        element("div", { class: "columns layers" }, element("div", { class: "layer-list" }, view.rows.map((row) => row.root)), aside),
      );
    }
    const row = view.rows.find(({ layer }) => layer.name === chosen.layer) ?? view.rows[0];
    if (!row) return;
    const count = reading.values.get(row.layer.after).shape[1];
    const unit = chosen.unit < count ? chosen.unit : 0;
    if (chosen.layer === row.layer.name) row.root.open = true;
    for (const each of view.rows) each.show(reading, each === row ? unit : -1);
    view.closer.show(run, row.layer, unit, reading);
    view.chosen = row;
    place();
  };
  return view;
}

/** Return one layer: a heading that opens and closes, and its maps or units, painted only while it is open. */
function makeLayerRow(layer, open, onChoose) {
  const choose = (unit) => onChoose({ layer: layer.name, unit });
  const words = element("span", { class: "soft" });
  const grid = makeTileGrid({ label: layer.kind === "maps" ? `Feature maps of ${layer.name}` : `Units of ${layer.name}`, onChoose: choose });
  if (layer.kind === "units") grid.classList.add("units");
  const weights = layer.kind === "units" && layer.onPixels ? makeTileGrid({ label: `Weight images of ${layer.name}`, onChoose: choose }) : null;
  const caption = weights && element("p", { class: "soft" });
  const root = element("details", { class: "layer", open }, element("summary", {}, element("strong", {}, layer.name), " ", words), grid, caption, weights);
  const row = { layer, root, latest: null };
  const paint = () => {
    if (!row.latest || !root.open) return;
    const { reading, unit } = row.latest;
    const value = reading.values.get(layer.after);
    const [, count, height = 1, width = 1] = value.shape;
    const most = value.data.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);
    const names = (n) => `${layer.kind === "maps" ? "map" : "unit"} ${n}${layer.kind === "units" ? `: ${shortNumber(value.data[n])}` : ""}`;
    const size = layer.kind === "units" ? 26 : height > 16 ? 64 : 48;
    grid.set({ images: new Tensor([count, height, width], value.data), size, names, low: -most, high: most, chosen: unit });
    if (weights) paintWeights(weights, layer, reading, unit);
  };
  row.show = (reading, unit) => {
    row.latest = { reading, unit };
    const count = reading.values.get(layer.after).shape[1];
    if (weights) caption.textContent = `The weights of ${count > TILES_SHOWN ? `the first ${TILES_SHOWN}` : "the"} units, at the places of their pixels: a unit looks for the ink that is blue.`;
    words.textContent = layerInWords(layer, reading.values);
    paint();
  };
  root.addEventListener("toggle", paint);
  return row;
}

/** Paint what each unit of a layer on the pixels looks for: its weights, at the places of the pixels. */
function paintWeights(grid, layer, reading, chosen) {
  const count = Math.min(TILES_SHOWN, reading.values.get(layer.after).shape[1]);
  const [, height, width] = weightImages(layer, reading.values, 0).shape;
  const data = new Float32Array(count * height * width);
  for (let unit = 0; unit < count; unit++) data.set(weightImages(layer, reading.values, unit).data.subarray(0, height * width), unit * height * width);
  const most = 3 * Math.sqrt(data.reduce((sum, weight) => sum + weight * weight, 0) / data.length); // a few are larger
  grid.set({ images: new Tensor([count, height, width], data), size: 48, names: (n) => `weights of unit ${n}`, low: -most, high: most, chosen });
}

/** Return the closer look: {root, show(run, layer, unit, reading)}. */
function makeCloserLook() {
  const title = element("h3");
  const sentence = element("p");
  const filters = makeTileGrid({ label: "Filter" });
  const filterCaption = element("p", { class: "soft" });
  const [before, after, product] = ["Before the activation", "After the activation", "Weight times input"].map(makeTileFigure);
  const root = element("section", { class: "card" }, title, sentence, filters, filterCaption,
    element("div", { class: "columns" }, product, before, after));
  const show = (run, layer, unit, reading) => {
    const images = weightImages(layer, reading.values, unit);
    const bias = layer.node.inputs[2] ? reading.values.get(layer.node.inputs[2]).data[unit] : 0;
    const isMap = layer.kind === "maps";
    const [count, height, width] = images.shape;
    title.textContent = `${isMap ? "Map" : "Unit"} ${unit} of ${layer.name}`;
    const [low, high] = rangeOf(images.data);
    const most = Math.max(-low, high);
    const side = height === 1 ? 320 : count === 1 ? 140 : Math.max(40, 7 * width);
    filters.hidden = height === 1 && width > 4096;
    if (!filters.hidden) filters.set({ images, size: side, low: -most, high: most });
    const parts = count > 1 ? `, one part for each of the ${count} maps that it reads` : "";
    filterCaption.textContent = `${isMap ? "Its filter" : "Its weights"}, ${height === 1 ? width : `${height}x${width}`}${parts}; bias ${shortNumber(bias)}`;
    for (const figure of [before, after]) figure.hidden = !isMap || (figure === after && layer.steps.length === 0);
    product.hidden = isMap || !layer.onPixels || count > 1;
    if (isMap) showMap();
    else showUnit();

    function showMap() {
      sentence.textContent = "The filter slides over what the layer reads. Each pixel of the map is the sum of filter times patch, plus the bias: where the patch looks like the filter, the sum is large.";
      const look = (figure, name, caption) => {
        const value = reading.values.get(name);
        const [, , rows, columns] = value.shape;
        const image = new Tensor([rows, columns], value.data.subarray(unit * rows * columns, (unit + 1) * rows * columns));
        const largest = image.data.reduce((size, number) => Math.max(size, Math.abs(number)), 0);
        figure.set(image, { size: 140, low: -largest, high: largest, caption: `${caption}, at most ${shortNumber(largest)}` });
      };
      look(before, layer.before, layer.steps.length ? "Sum" : "The map");
      if (layer.steps.length) look(after, layer.after, `After ${layer.steps.join(" and ")}`);
    }

    function showUnit() {
      const [sum, value] = [layer.before, layer.after].map((name) => reading.values.get(name).data[unit]);
      const then = layer.steps.length ? ` After ${layer.steps.join(" and ")}: ${shortNumber(value)}.` : "";
      sentence.textContent = `Weights times inputs, plus the bias, is ${shortNumber(sum)} for this image.${then}`;
      if (product.hidden) return;
      const input = reading.input.data;
      const terms = Float32Array.from(images.data, (weight, pixel) => weight * input[pixel]);
      const largest = terms.reduce((size, number) => Math.max(size, Math.abs(number)), 0);
      product.set(new Tensor([height, width], terms), { size: 140, low: -largest, high: largest, caption: "Weight times pixel: blue speaks for the unit, orange against it" });
    }
  };
  return { root, show };
}
