"use strict";
// Pictures and kernels to choose from: small ones by hand, test images of a run, and the filters that a run has learned.
// Slides: lecture 004, "1D Convolutional Layer Example" to "Padding"; lecture 001, part 4.

const CONVOLUTION_KERNELS = {
  identity: { title: "Identity", weights: [0, 0, 0, 0, 1, 0, 0, 0, 0] },
  blur: { title: "Blur", weights: Array(9).fill(1 / 9) },
  blur5: { title: "Blur, 5x5", weights: [1, 4, 6, 4, 1].flatMap((a) => [1, 4, 6, 4, 1].map((b) => (a * b) / 256)) },
  sharpen: { title: "Sharpen", weights: [0, -1, 0, -1, 5, -1, 0, -1, 0] },
  edges: { title: "Edges in all directions", weights: [-1, -1, -1, -1, 8, -1, -1, -1, -1] },
  vertical: { title: "Sobel: vertical edges", weights: [-1, 0, 1, -2, 0, 2, -1, 0, 1] },
  horizontal: { title: "Sobel: horizontal edges", weights: [-1, -2, -1, 0, 0, 0, 1, 2, 1] },
  difference: { title: "Difference (-1, 1)", weights: [0, 0, 0, 0, -1, 1, 0, 0, 0] },
};

const CONVOLUTION_PICTURES = {
  shapes: [
    "000000000000",
    "011110000001",
    "011110000010",
    "011110000100",
    "011110001000",
    "000000010000",
    "000000100000",
    "000100000000",
    "000100011111",
    "011111000000",
    "000100011111",
    "000100000000",
  ],
  ramp: Array(11).fill("00001234444"), // each row is the signal of the slide
};

/** Return {weights (O, 1, K, K), bias (O), node} of the first layer of a run, if it is a convolution of one grey image; else null. */
function firstLayerFilters(entry) {
  const node = entry?.graph?.nodes.find(({ op }) => op === "conv2d");
  if (!node || node.inputs[0] !== entry.graph.inputs[0] || node.arguments.dilation.some((step) => step !== 1)) return null;
  const [stride, padding] = [node.arguments.stride, node.arguments.padding];
  const stored = entry.weights[node.inputs[1]];
  if (!stored || stored.shape[1] !== 1 || stored.shape[2] !== stored.shape[3] || stored.shape[2] > 7) return null;
  if (stride[0] !== stride[1] || padding[0] !== padding[1] || stride[0] > 3 || padding[0] > 3) return null;
  const bias = node.inputs[2] ? decodeWeights(entry.weights[node.inputs[2]], Float64Array) : null;
  return { weights: decodeWeights(stored, Float64Array), bias, stride: stride[0], padding: padding[0], name: node.label || node.name };
}

/** Return {weights (K, K), bias, learned} of a state: a kernel by hand, one's own numbers, or filter n of the run. */
function chosenKernel(state) {
  if (state.kernel === "own") return { weights: squareMatrix(state.weights), bias: 0, learned: false };
  const number = Number(/^filter(\d+)$/.exec(state.kernel)?.[1]);
  if (!number) return { weights: squareMatrix(CONVOLUTION_KERNELS[state.kernel].weights), bias: 0, learned: false };
  const filters = firstLayerFilters(RUNS[state.run]);
  const side = filters.weights.shape[2];
  const weights = Tensor.of([side, side], filters.weights.data.subarray((number - 1) * side ** 2, number * side ** 2), Float64Array);
  return { weights, bias: filters.bias?.data[number - 1] ?? 0, learned: true };
}

/** Return a tensor (K, K) of K * K numbers. */
const squareMatrix = (numbers) => Tensor.of([Math.sqrt(numbers.length), Math.sqrt(numbers.length)], numbers, Float64Array);

/** Return the image (H, W) of a state, shifted to the right; for a learned filter as the network sees it, else from 0 to 1. */
function chosenPicture(state, learned) {
  const image = unshiftedPicture(state, learned);
  const [height, width] = image.shape;
  const shifted = image.zerosLike();
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      shifted.data[row * width + ((column + state.shift) % width)] = image.data[row * width + column];
    }
  }
  return shifted;
}

/** Return the image (H, W) before the shift. */
function unshiftedPicture({ picture, run, example, seed }, learned) {
  if (picture === "noise") {
    const random = new RandomNumbers(seed);
    return Tensor.of([12, 12], Array.from({ length: 144 }, () => random.uniform()), Float64Array);
  }
  if (picture !== "digit") {
    const rows = CONVOLUTION_PICTURES[picture];
    return Tensor.of([rows.length, rows[0].length], [...rows.join("")].map(Number), Float64Array);
  }
  const { examples, in_shape, mean, std } = RUNS[run];
  const [channels, height, width] = in_shape;
  const bytes = decodeBase64(examples[example].pixels);
  const pixels = Tensor.zeros([height, width], Float64Array);
  for (let i = 0; i < pixels.size; i++) {
    for (let channel = 0; channel < channels; channel++) pixels.data[i] += bytes[channel * pixels.size + i] / 255 / channels;
    if (learned) pixels.data[i] = (pixels.data[i] - mean[0]) / std[0];
  }
  return pixels;
}

/** Return all that the tab shows of a state: the image with its zero frame, the kernel, the map, as matrices (rows, columns). */
function convolveState(state) {
  const kernel = chosenKernel(state);
  const image = chosenPicture(state, kernel.learned);
  const [height, width] = image.shape;
  const side = kernel.weights.shape[0];
  const { stride, padding } = state;
  const { forward } = OPERATIONS.conv2d;
  const settings = { stride: [stride, stride], padding: [padding, padding], dilation: [1, 1], groups: 1 };
  const operands = [new Tensor([1, 1, height, width], image.data), new Tensor([1, 1, side, side], kernel.weights.data), Tensor.of([1], [kernel.bias], Float64Array)];
  const map = forward(operands, settings);
  const framed = Tensor.zeros([height + 2 * padding, width + 2 * padding], Float64Array);
  for (let row = 0; row < height; row++) {
    framed.data.set(image.data.subarray(row * width, (row + 1) * width), (row + padding) * framed.shape[1] + padding);
  }
  return { image, framed, kernel, side, map: new Tensor(map.shape.slice(2), map.data) };
}

/** Return [{x, u, product}] of the window at (row, column) of the map, row by row. */
function windowTerms({ framed, kernel, side }, stride, row, column) {
  return Array.from(kernel.weights.data, (u, i) => {
    const [down, right] = [Math.floor(i / side), i % side];
    const x = framed.data[(row * stride + down) * framed.shape[1] + column * stride + right];
    return { x, u, product: x * u };
  });
}
