/* Run a network forward and backward: a graph is a list of operations in the order of their computation.
 *
 * Slide: lecture 004, from "Problem: Compute gradients of z with respect to inputs {x1, x2}". The forward pass
 * computes every value once. The backward pass goes through the same list from its end:
 *   dL/dv = sum over the nodes w that read v of  dL/dw * dw/dv.
 * (The slide calls these nodes parents of v; they are its children.)
 *
 * A graph is {inputs: ["images"], nodes: [...], outputs: ["logits", "probabilities"]}, and a node is
 *   {name: "conv2d", op: "conv2d", inputs: ["images", "stage1.0.weight", "stage1.0.bias"], arguments: {...},
 *    label: "stage1.0"}.
 * Inputs, parameters and the results of nodes are all values, known by their names.
 */
"use strict";

/** Return {graph, parameters, title} of one run in the page; parameters is a Map from names to tensors. */
function loadModel(entry, Type = Float32Array) {
  checkGraph(entry.graph, entry.title);
  const parameters = new Map();
  for (const [name, stored] of Object.entries(entry.weights)) parameters.set(name, decodeWeights(stored, Type));
  return { graph: entry.graph, parameters, title: entry.title };
}

/** Throw an error that names the first operation that the page does not know, and the model. */
function checkGraph(graph, title = "This network") {
  for (const { op, label } of graph.nodes) {
    if (Object.hasOwn(OPERATIONS, op)) continue;
    const where = label ? ` (in its layer "${label}")` : "";
    throw new Error(`${title} cannot run here: the operation "${op}"${where} is unknown. Choose another run.`);
  }
}

/** Return the names of the values that a node computes: its own, and e.g. "lstm.h". */
function resultNames(node) {
  return [node.name, ...(OPERATIONS[node.op].parts ?? []).map((part) => `${node.name}.${part}`)];
}

/** Compute every value of a graph. `inputs` is {name: Tensor}; returns a Map from names to tensors. */
function runGraph(graph, parameters, inputs) {
  checkGraph(graph);
  const values = new Map(parameters);
  for (const name of graph.inputs) {
    if (!inputs[name]) throw new Error(`The network needs the input "${name}".`);
    values.set(name, inputs[name]);
  }
  for (const node of graph.nodes) {
    const operands = node.inputs.map((name) => valueOf(values, name, node));
    const result = OPERATIONS[node.op].forward(operands, node.arguments ?? {});
    const results = Array.isArray(result) ? result : [result];
    resultNames(node).forEach((name, n) => values.set(name, results[n]));
  }
  return values;
}

/** Return a value that a node reads. */
function valueOf(values, name, node) {
  const value = values.get(name);
  if (!value) throw new Error(`The node "${node.name}" (${node.op}) reads "${name}", which has no value.`);
  return value;
}

/** Compute the adjoint dL/dv of every value v on the way from inputs and parameters to the seeds.
 *
 * values: what `runGraph` returned. seeds: {name: dL/d(that value)}, e.g. 1 at one logit, so that L is that logit.
 * Returns a Map from names to tensors, each shaped as its value.
 */
function runBackward(graph, values, seeds) {
  const adjoints = new Map(Object.entries(seeds));
  for (let n = graph.nodes.length - 1; n >= 0; n--) {
    const node = graph.nodes[n];
    const names = resultNames(node);
    const deltas = names.map((name) => adjoints.get(name) ?? null);
    if (deltas.every((delta) => delta === null)) continue; // L does not depend on this node
    const operands = node.inputs.map((name) => values.get(name));
    const results = names.map((name) => values.get(name));
    const single = names.length === 1;
    const [delta, result] = single ? [deltas[0], results[0]] : [deltas, results];
    const terms = OPERATIONS[node.op].backward(delta, operands, result, node.arguments ?? {});
    node.inputs.forEach((name, place) => {
      if (terms[place]) adjoints.set(name, sumOfAdjoints(adjoints.get(name), terms[place]));
    });
  }
  return adjoints;
}

/** Return the sum of two adjoints of one value; the first may be missing. */
function sumOfAdjoints(sum, term) {
  if (!sum) return term;
  const total = sum.zerosLike();
  for (let n = 0; n < total.size; n++) total.data[n] = sum.data[n] + term.data[n];
  return total;
}
