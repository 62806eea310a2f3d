/* Build and train a multilayer perceptron in the page.
 *
 * Slides: lecture 002, "How to Train a Neural Network?"; initial weights: lecture 004, Glorot and Bengio (2010).
 * The names of the weights and their initial distributions are those of intro_dl/models/mlp.py.
 *
 *   const network = mlpGraph({ sizes: [2, 8, 8, 3], activation: "tanh", random: new RandomNumbers(0) });
 *   const optimizer = makeOptimizer("adam", { lr: 0.01 });
 *   const loss = trainStep(network, { inputs, labels }, optimizer); // inputs (B, 2), labels (B)
 *   runGraph(network.graph, network.parameters, { points }).get("probabilities"); // (B, 3)
 */
"use strict";

/** Build a network of linear layers, with an activation between two of them.
 *
 * sizes: units of each layer, from the inputs to the outputs. activation: relu, tanh, sigmoid or identity.
 * init: a name in INITIALIZATIONS, with sigma for "normal". dropout: probability of zeroing a hidden unit in
 * training, in [0, 1). loss: "cross_entropy" (labels 0, 1, ...) or "mse" (targets like the outputs).
 *
 * Returns {graph, training, parameters, dropout, random, sizes}. The values of `graph` are points, linear1,
 * hidden1, linear2, ..., and logits and probabilities (or predictions); those of `training` also labels, loss, and
 * dropped1, ... (after dropout).
 */
function mlpGraph({
  sizes,
  activation = "relu",
  init = "default",
  sigma = 0.1,
  dropout = 0,
  loss = "cross_entropy",
  random = new RandomNumbers(0),
  Type = Float32Array,
}) {
  const output = loss === "mse" ? "predictions" : "logits";
  const softmax = { name: "probabilities", op: "softmax", inputs: [output], arguments: { dim: 1 }, label: "" };
  const lossNode = { name: "loss", op: loss, inputs: [output, "labels"], arguments: {}, label: "" };
  const masks = dropout > 0 ? sizes.slice(1, -1).map((_, layer) => `mask${layer + 1}`) : [];
  const graph = {
    inputs: ["points"],
    nodes: [...mlpNodes(sizes, activation, output, []), ...(loss === "mse" ? [] : [softmax])],
    outputs: loss === "mse" ? [output] : [output, "probabilities"],
  };
  const training = {
    inputs: ["points", "labels", ...masks],
    nodes: [...mlpNodes(sizes, activation, output, masks), lossNode],
    outputs: ["loss"],
  };
  const parameters = new Map();
  for (let layer = 1; layer < sizes.length; layer++) {
    const { weight, bias } = drawLayer(sizes[layer - 1], sizes[layer], init, sigma, random, Type);
    parameters.set(`${layerLabel(layer, sizes)}.weight`, weight).set(`${layerLabel(layer, sizes)}.bias`, bias);
  }
  return { graph, training, parameters, dropout, random, sizes };
}

/** Return the name in torch of linear layer 1, 2, ...: each hidden layer is linear, activation, dropout. */
function layerLabel(layer, sizes) {
  return layer === sizes.length - 1 ? "logits" : `features.${3 * (layer - 1)}`;
}

/** Return the nodes of a multilayer perceptron; `masks` are inputs that multiply the hidden units, if any. */
function mlpNodes(sizes, activation, output, masks) {
  const nodes = [];
  let below = "points";
  for (let layer = 1; layer < sizes.length; layer++) {
    const label = layerLabel(layer, sizes);
    const last = layer === sizes.length - 1;
    const inputs = [below, `${label}.weight`, `${label}.bias`];
    nodes.push({ name: last ? output : `linear${layer}`, op: "linear", inputs, arguments: {}, label });
    below = nodes.at(-1).name;
    if (!last && activation !== "identity") {
      const place = `features.${3 * (layer - 1) + 1}`;
      nodes.push({ name: `hidden${layer}`, op: activation, inputs: [below], arguments: {}, label: place });
      below = `hidden${layer}`;
    }
    if (!last && masks.length > 0) {
      const [name, place] = [`dropped${layer}`, `features.${3 * (layer - 1) + 2}`];
      nodes.push({ name, op: "mul", inputs: [below, masks[layer - 1]], arguments: {}, label: place });
      below = name;
    }
  }
  return nodes;
}

/** How to draw one weight of a layer, given its numbers of inputs and outputs. Biases are 0, except by default. */
const INITIALIZATIONS = {
  default: (random, inputs) => symmetric(random, 1 / Math.sqrt(inputs)), // as torch
  normal: (random, inputs, outputs, sigma) => sigma * random.normal(),
  xavier: (random, inputs, outputs) => symmetric(random, Math.sqrt(6 / (inputs + outputs))),
  he: (random, inputs) => Math.sqrt(2 / inputs) * random.normal(), // for relu
  zeros: () => 0, // all units of a layer stay equal
};

/** Return a uniform number in [-bound, bound). */
function symmetric(random, bound) {
  return (2 * random.uniform() - 1) * bound;
}

/** Return the initial weight (outputs, inputs) and bias (outputs) of a linear layer. */
function drawLayer(inputs, outputs, init, sigma, random, Type) {
  if (!Object.hasOwn(INITIALIZATIONS, init)) {
    throw new Error(`Unknown initialization ${init}: choose ${Object.keys(INITIALIZATIONS).join(", ")}.`);
  }
  const draw = INITIALIZATIONS[init];
  const [weight, bias] = [Tensor.zeros([outputs, inputs], Type), Tensor.zeros([outputs], Type)];
  for (let n = 0; n < weight.size; n++) weight.data[n] = draw(random, inputs, outputs, sigma);
  if (init === "default") for (let m = 0; m < outputs; m++) bias.data[m] = draw(random, inputs);
  return { weight, bias };
}

/** Return the masks of `training` for a batch: 0 drops a hidden unit; 1 / (1 - dropout) keeps the mean as it is. */
function drawMasks({ training, parameters, dropout, random, sizes }, batchSize) {
  const { Type } = parameters.values().next().value;
  const masks = {};
  training.inputs.slice(2).forEach((name, layer) => {
    masks[name] = Tensor.zeros([batchSize, sizes[layer + 1]], Type);
    const { data } = masks[name];
    for (let n = 0; n < data.length; n++) data[n] = random.uniform() < dropout ? 0 : 1 / (1 - dropout);
  });
  return masks;
}

/** Change the weights of a network by one step, and return the loss of the batch before it.
 *
 * batch: {inputs (B, N), labels: (B), or for mse (B, K)}, as tensors of the parameters' type.
 */
function trainStep(network, batch, optimizer) {
  const masks = drawMasks(network, batch.inputs.shape[0]);
  const inputs = { points: batch.inputs, labels: batch.labels, ...masks };
  const values = runGraph(network.training, network.parameters, inputs);
  const loss = values.get("loss");
  const adjoints = runBackward(network.training, values, { loss: Tensor.of([], [1], loss.Type) });
  for (const [name, parameter] of network.parameters) {
    if (!optimizer.states.has(name)) optimizer.states.set(name, {});
    optimizer.rule.step(parameter, adjoints.get(name), optimizer.states.get(name), optimizer.settings);
  }
  return loss.data[0];
}
