/* The network as a drawing: each unit shows its own region, each edge its weight.

Slide: lecture 002, "Neural Networks": layers of units, with a weight on every edge. A unit's picture is its value
at each place of the plane: blue is positive, orange is negative. An edge is as wide as its weight is large. */
"use strict";

const NETWORK_TOP = 26;
const NETWORK_LEFT = 40;
const NETWORK_RIGHT = 96;

const LONGEST_COLUMN = 12; // units that are drawn of a layer with more than MOST_UNITS

/** Return the layers of a graph that is a chain of linear maps and activations, or null for other graphs.
 *
 * Each is {weight, bias, units, activation}: the names of its parameters, the name of the value of its units after the
 * activation, and the activation, "" if it has none.
 */
function layersOfGraph({ inputs: [first], nodes, outputs }) {
  const layers = [];
  let before = first;
  for (const { op, name, inputs } of nodes) {
    if (inputs[0] !== before) return null;
    if (op === "linear") layers.push({ weight: inputs[1], bias: inputs[2] ?? null, units: name, activation: "" });
    else if (["relu", "leaky_relu", "tanh", "sigmoid"].includes(op) && layers.length > 0)
      Object.assign(layers.at(-1), { units: name, activation: op });
    else if (op !== "softmax" && op !== "reshape") return null;
    before = name;
  }
  if (layers.length === 0 || !outputs.includes("probabilities")) return null;
  layers.at(-1).units = "probabilities";
  return layers;
}

/** Return the drawing. `onUnit(unit)` is told the unit under the pointer or the focus, {column, row}, or null. */
function makeNetworkView({ onUnit }) {
  const canvas = makeCanvas({
    width: 460,
    height: 420,
    label: "The network. Arrow keys go from unit to unit and read their weights",
    interactive: true,
  });
  canvas.style.touchAction = "pan-x pan-y";
  canvas.style.outlineOffset = "-0.2rem"; // the box around it cuts off what is outside
  const readout = element("p", { class: "soft" });
  readout.style.minHeight = "6em";
  const view = {
    canvas,
    readout,
    layers: null,
    parameters: null,
    values: null,
    sizes: [],
    images: [],
    chosen: null,
    names: null,
  };
  const choose = (chosen) => {
    const before = JSON.stringify(view.chosen);
    view.chosen = chosen;
    if (JSON.stringify(chosen) === before) return;
    onUnit(chosen?.to === undefined ? chosen : null);
    showChosen(view);
  };
  canvas.addEventListener("pointermove", (event) => choose(foundInNetwork(view, canvasPoint(canvas, event))));
  canvas.addEventListener("pointerdown", (event) => choose(foundInNetwork(view, canvasPoint(canvas, event))));
  canvas.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && choose(null)); // a tap stays
  canvas.addEventListener("blur", () => choose(null));
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || !view.layers) return;
    event.preventDefault();
    const { column, row } = view.chosen?.column === undefined ? { column: 0, row: -1 } : view.chosen;
    const next = Math.min(view.sizes.length - 1, Math.max(0, column + way[0]));
    choose({ column: next, row: Math.min(view.sizes[next] - 1, Math.max(0, row + way[1])) });
    announce(view.readout.textContent);
  });
  canvas.onDraw((context) => drawNetwork(context, view));
  return view;
}

/** Show another network: {graph, parameters}; names are {features, classes}. */
function setNetworkOfView(view, { graph, parameters }, names) {
  const layers = layersOfGraph(graph);
  Object.assign(view, { layers, parameters, names, input: graph.inputs[0], values: null, chosen: null });
  view.units = layers
    ? [parameters.get(layers[0].weight).shape[1], ...layers.map(({ weight }) => parameters.get(weight).shape[0])]
    : [];
  view.sizes = view.units.map((count) => (count > MOST_UNITS ? LONGEST_COLUMN : count)); // those that are drawn
  const most = Math.max(1, ...view.sizes);
  view.pitch = most > 8 ? 30 : 46; // from unit to unit
  view.side = most > 8 ? 25 : 36;
  view.images = view.sizes.map((count) => Array.from({ length: count }, regionCanvas));
  view.column = Math.max(66, 336 / Math.max(3, view.sizes.length - 1)); // from layer to layer
  const width = NETWORK_LEFT + (view.sizes.length - 1) * view.column + NETWORK_RIGHT;
  const height = NETWORK_TOP + most * view.pitch + (view.units.some((count) => count > MOST_UNITS) ? 24 : 8);
  resizeNetworkCanvas(view.canvas, layers ? width : 20, layers ? height : 20);
  showChosen(view);
}

/** Give the canvas another size of the design; on a phone it shrinks to four fifths, then scrolls in its box. */
function resizeNetworkCanvas(canvas, width, height) {
  Object.assign(canvas.design, { width, height });
  Object.assign(canvas.style, {
    width: `${width / 16}rem`,
    minWidth: `${(0.8 * width) / 16}rem`,
    aspectRatio: `${width} / ${height}`,
  });
  fitCanvas(canvas);
}

/** Paint the regions of all units, from the values of the network on the grid. */
function updateNetworkView(view, values) {
  if (!view.layers) return;
  view.values = values;
  view.images.forEach((images, column) => {
    const units = values.get(column === 0 ? view.input : view.layers[column - 1].units);
    const paint = column === view.images.length - 1 ? paintProbabilityRegion : paintUnitRegion;
    images.forEach((image, row) => paint(image, units, row));
  });
  showChosen(view);
}

/** Return the middle [x, y] of a unit. */
function placeOfUnit({ sizes, pitch, column: width }, column, row) {
  const most = Math.max(...sizes);
  return [NETWORK_LEFT + column * width, NETWORK_TOP + pitch * ((most - sizes[column]) / 2 + row + 0.5)];
}

/** Return the unit {column, row} or the edge {column, from, to} at a position, or null. */
function foundInNetwork(view, [x, y]) {
  for (let column = 0; column < view.sizes.length; column++) {
    for (let row = 0; row < view.sizes[column]; row++) {
      const [ux, uy] = placeOfUnit(view, column, row);
      if (Math.max(Math.abs(x - ux), Math.abs(y - uy)) <= view.side / 2 + 2) return { column, row };
    }
  }
  const column = Math.floor((x - NETWORK_LEFT) / view.column) + 1; // the layer at the right end of the edge
  if (column < 1 || column >= view.sizes.length) return null;
  const part = (x - NETWORK_LEFT) / view.column - (column - 1);
  let found = null,
    nearest = 6;
  for (let from = 0; from < view.sizes[column - 1]; from++) {
    for (let to = 0; to < view.sizes[column]; to++) {
      const [, y0] = placeOfUnit(view, column - 1, from);
      const [, y1] = placeOfUnit(view, column, to);
      const distance = Math.abs(y - (y0 + part * (y1 - y0)));
      if (distance < nearest) [found, nearest] = [{ column, from, to }, distance];
    }
  }
  return found;
}

/** Draw edges, units and names. */
function drawNetwork(context, view) {
  if (!view.layers) return;
  const colors = theme();
  const { sizes, side, chosen, names } = view;
  view.layers.forEach((layer, index) => drawEdges(context, view, index + 1));
  Object.assign(context, {
    font: "12px system-ui, sans-serif",
    textAlign: "center",
    textBaseline: "middle",
    imageSmoothingEnabled: true,
  });
  sizes.forEach((count, column) => {
    const last = column === sizes.length - 1;
    context.fillStyle = colors.soft;
    context.fillText(
      column === 0 ? "inputs" : last ? "outputs" : `hidden ${column}`,
      NETWORK_LEFT + column * view.column,
      10,
    );
    const more = view.units[column] - count;
    if (more > 0) {
      const [x, y] = placeOfUnit(view, column, count - 1);
      context.fillText(`and ${more} more`, x, y + view.pitch / 2 + 8);
    }
    for (let row = 0; row < count; row++) {
      const [x, y] = placeOfUnit(view, column, row);
      const marked = chosen?.column === column && chosen.row === row;
      context.drawImage(view.images[column][row], x - side / 2, y - side / 2, side, side);
      Object.assign(context, { strokeStyle: marked ? colors.text : colors.soft, lineWidth: marked ? 3 : 1 });
      context.strokeRect(x - side / 2, y - side / 2, side, side);
      if (!last && column > 0) continue;
      Object.assign(context, { fillStyle: colors.text, textAlign: last ? "left" : "right" });
      const name = last ? names.classes[row] : `x${row + 1}`;
      context.fillText(
        name.length > 9 ? `${name.slice(0, 8)}…` : name,
        last ? x + side / 2 + 8 : x - side / 2 - 2,
        y,
      );
      context.textAlign = "center";
    }
  });
}

/** Draw the weights that end in a column. */
function drawEdges(context, view, column) {
  const {
    data,
    shape: [, N],
  } = view.parameters.get(view.layers[column - 1].weight);
  const { positive, negative } = theme();
  const { chosen, side } = view;
  for (let to = 0; to < view.sizes[column]; to++) {
    for (let from = 0; from < view.sizes[column - 1]; from++) {
      const weight = data[to * N + from];
      // A network that diverged has no edges left; its loss may overflow before its weights do.
      if (!(Math.abs(weight) < 1e9) || weight === 0) continue;
      const edgeChosen = chosen?.to === to && chosen.from === from && chosen.column === column;
      const near = !chosen || edgeChosen || (chosen.column === column && chosen.row === to);
      const [x0, y0] = placeOfUnit(view, column - 1, from);
      const [x1, y1] = placeOfUnit(view, column, to);
      context.strokeStyle = weight < 0 ? negative : positive;
      context.lineWidth = Math.min(7, 0.4 + 2 * Math.abs(weight)) + (edgeChosen ? 2 : 0);
      context.globalAlpha = near ? 0.8 : 0.12;
      context.beginPath();
      context.moveTo(x0 + side / 2, y0);
      context.lineTo(x1 - side / 2, y1);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

/** Say in words what is under the pointer or the focus, and draw. */
function showChosen(view) {
  const { layers, chosen } = view;
  let text =
    "Point at a unit or an edge: its numbers stand here, and the large picture shows the unit alone. " +
    "Blue is positive, orange is negative. An edge is as wide as its weight is large, at the inputs that of the " +
    "standardized input.";
  if (!layers) text = "This network is not a chain of linear layers, so only its regions are shown.";
  else if (chosen) text = chosen.to === undefined ? unitInWords(view, chosen) : edgeInWords(view, chosen);
  if (view.readout.textContent !== text) view.readout.textContent = text;
  view.canvas.redraw();
}
