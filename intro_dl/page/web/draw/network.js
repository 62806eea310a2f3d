"use strict";
// Let a run's network read an image, and ask it by the backward pass which pixels its answer depends on.
//
// Saliency is |d logit / d pixel|: lecture 004, reverse mode. One backward pass gives it for all pixels at once,
// since a logit is one output and the pixels are many inputs.

const loadedNetworks = new Map();

/** Return the network of a run; its weights are decoded at the first call. */
function networkOf(run) {
  if (!loadedNetworks.has(run)) loadedNetworks.set(run, loadModel(run));
  return loadedNetworks.get(run);
}

/** Return whether a run of the page reads images and gives a probability to each class. */
const classifiesImages = (run) => run.kind === "images" && run.classes?.length > 0 && run.graph.outputs.includes("probabilities");

/** Return whether one can draw for a run: photographs have no even background. */
const readsDrawings = (run) => Boolean(run.background) && run.in_shape[0] === 1;

/** Return {values, input, probabilities, answer, milliseconds} of pixels (C*H*W) in 0..255. */
function readPixels(run, pixels) {
  const { graph, parameters } = networkOf(run);
  const input = normalizePixels(pixels, run);
  const before = performance.now();
  const values = runGraph(graph, parameters, { [graph.inputs[0]]: input });
  const milliseconds = performance.now() - before;
  const probabilities = Array.from(values.get("probabilities").data);
  return { values, input, probabilities, answer: probabilities.indexOf(Math.max(...probabilities)), milliseconds };
}

/** Return |d score of a class / d pixel| as (H, W): of several colors the largest. */
function saliencyOf(run, reading, classIndex) {
  const { graph } = networkOf(run);
  const score = graph.outputs[0]; // the logit; of a network without logits, its probability
  const seed = reading.values.get(score).zerosLike();
  seed.data[classIndex] = 1; // d logit / d logit
  const gradient = runBackward(graph, reading.values, { [score]: seed }).get(graph.inputs[0]);
  const [channels, height, width] = run.in_shape;
  const saliency = Tensor.zeros([height, width]);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < height * width; pixel++) {
      const size = Math.abs(gradient.data[channel * height * width + pixel]) / run.std[channel]; // a pixel in [0, 1]
      saliency.data[pixel] = Math.max(saliency.data[pixel], size);
    }
  }
  return saliency;
}
