"use strict";
// The layers of a run's network that the tab shows: each convolution and each linear layer, in the order of the graph.

const ACTIVATION_OPS = ["relu", "leaky_relu", "tanh", "sigmoid"];

/** Return the layers [{name, kind: "maps"|"units", node, before, after, steps, onPixels}] of a graph. */
function layersToShow(graph) {
  return graph.nodes
    .filter(({ op, inputs }) => ["conv2d", "linear"].includes(op) && inputs[1])
    .map((node) => {
      const { after, steps } = followActivation(graph, node);
      const source = withoutReshapes(graph, node.inputs[0]);
      const kind = node.op === "conv2d" ? "maps" : "units";
      return { name: node.label || node.name, kind, node, before: node.name, after, steps, source, onPixels: source === graph.inputs[0] };
    });
}

/** Return the value after the batch norm and the activation that follow a layer, and the names of these operations. */
function followActivation(graph, node) {
  const steps = [];
  let after = node.name;
  for (;;) {
    const readers = graph.nodes.filter(({ inputs }) => inputs.includes(after));
    const next = readers.length === 1 ? readers[0] : null;
    if (!next || !(next.op === "batch_norm" || ACTIVATION_OPS.includes(next.op))) return { after, steps };
    steps.push(next.op.replace("_", " "));
    after = next.name;
    if (ACTIVATION_OPS.includes(next.op)) return { after, steps };
  }
}

/** Return the value that a chain of reshapes begins with: the maps that a linear layer reads as one list. */
function withoutReshapes(graph, name) {
  const node = graph.nodes.find((each) => each.name === name);
  return node?.op === "reshape" ? withoutReshapes(graph, node.inputs[0]) : name;
}

/** Return "6 maps of 28x28: convolution 5x5, then tanh". */
function layerInWords(layer, values) {
  const [, count, height, width] = values.get(layer.after).shape;
  const then = layer.steps.length ? `, then ${layer.steps.join(" and ")}` : "";
  if (layer.kind === "units") return `${count} units: linear${then}`;
  const [rows, columns] = values.get(layer.node.inputs[1]).shape.slice(-2);
  return `${count} maps of ${height}x${width}: convolution ${rows}x${columns}${then}`;
}

/** Return the weights of one map or unit as images: {images: Tensor (N, H, W), shared}; a linear layer on a list gives (1, 1, N). */
function weightImages(layer, values, unit) {
  const weight = values.get(layer.node.inputs[1]);
  const size = weight.size / weight.shape[0];
  const numbers = weight.data.subarray(unit * size, (unit + 1) * size);
  if (layer.kind === "maps") return new Tensor(weight.shape.slice(1), numbers);
  const source = values.get(layer.source).shape;
  return new Tensor(source.length === 4 && countNumbers(source) === size ? source.slice(1) : [1, 1, size], numbers);
}
