/* Points in the plane, drawn by the rules of intro_dl/data/toy.py (lectures 000, 002 and 004).

The random numbers are others than those of `intro-dl train`; rule, counts and scale are the same. A set of
points is {inputs: [[x1, x2], ...], labels: [...]}. */
"use strict";

const TRAIN_POINTS = 600;
const TEST_POINTS = 200;

/** Each data set: its title, the one number that it takes (an option of data=), and its rule. */
const TOY_DATA = {
  two_gaussians: {
    title: "Two Gaussians",
    option: { key: "distance", label: "Distance of the centers", low: 0, high: 8, step: 0.25, value: 8 },
    draw: drawTwoGaussians,
  },
  xor: {
    title: "XOR",
    option: { key: "noise", label: "Noise", low: 0, high: 1, step: 0.05, value: 0.2 },
    draw: drawXor,
  },
  moons: {
    title: "Moons",
    option: { key: "noise", label: "Noise", low: 0, high: 0.5, step: 0.025, value: 0.1 },
    draw: drawMoons,
  },
  circles: {
    title: "Circles",
    option: { key: "noise", label: "Noise", low: 0, high: 0.5, step: 0.025, value: 0.1 },
    draw: drawCircles,
  },
  spirals: {
    title: "Spirals",
    option: { key: "noise", label: "Noise", low: 0, high: 1, step: 0.05, value: 0.2 },
    draw: drawSpirals,
  },
  pass_class: {
    title: "Will I pass this class?",
    features: ["lectures attended", "hours on the project"],
    classes: ["fail", "pass"],
    query: [4, 5], // the student of the slide, who passed
    draw: drawPassClass,
  },
};

/** Draw a data set: {train, test, features, classes, query, scale}; `option` is its noise or distance. */
function drawToyData(name, { option, arms, points, seed }) {
  const random = new RandomNumbers(seed);
  const { draw, features = ["x1", "x2"], classes, query = null } = TOY_DATA[name];
  const train = draw(TRAIN_POINTS, random, option, arms);
  const test = draw(TEST_POINTS, random, option, arms);
  const scale = scaleOf(train.inputs); // of all 600 points, even if fewer train
  const names = classes ?? Array.from({ length: name === "spirals" ? arms : 2 }, (_, label) => String(label));
  return { train: firstPoints(train, points), test, features, classes: names, query, scale };
}

/** Return the first `count` of a set of points. */
function firstPoints({ inputs, labels }, count) {
  return { inputs: inputs.slice(0, count), labels: labels.slice(0, count) };
}

/** Return mean and standard deviation of each feature: {mean: [2], std: [2]}, as in `ToyData.standardize`. */
function scaleOf(inputs) {
  const mean = [0, 0];
  const std = [0, 0];
  for (const feature of [0, 1]) {
    for (const point of inputs) mean[feature] += point[feature] / inputs.length;
    for (const point of inputs) std[feature] += (point[feature] - mean[feature]) ** 2 / inputs.length;
    std[feature] = Math.sqrt(std[feature]) || 1; // a feature that never changes keeps its unit
  }
  return { mean, std };
}

/** Two round clouds: class 0 around (-m, -m), class 1 around (m, m), standard deviation 1. */
function drawTwoGaussians(count, random, distance) {
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const inputs = labels.map((label) => {
    const center = ((2 * label - 1) * distance) / Math.sqrt(8); // the same in both directions
    return [center + random.normal(), center + random.normal()];
  });
  return { inputs, labels };
}

/** Four clouds around (1, 1), (-1, 1), (-1, -1), (1, -1): class 1 where the signs differ. */
function drawXor(count, random, noise) {
  const centers = [
    [1, 1],
    [-1, 1],
    [-1, -1],
    [1, -1],
  ];
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  return { inputs: labels.map((_, i) => scatterPoint(centers[i % 4], noise, random)), labels };
}

/** Two interleaving half circles, in random order: scikit-learn's `make_moons`. */
function drawMoons(count, random, noise) {
  const upper = Math.floor(count / 2);
  const lower = count - upper;
  const points = [];
  for (let i = 0; i < upper; i++) {
    const angle = (Math.PI * i) / (upper - 1);
    points.push({ label: 0, x: [Math.cos(angle), Math.sin(angle)] });
  }
  for (let i = 0; i < lower; i++) {
    const angle = (Math.PI * i) / (lower - 1);
    points.push({ label: 1, x: [1 - Math.cos(angle), 0.5 - Math.sin(angle)] });
  }
  return shuffledAndScattered(points, noise, random);
}

/** A circle of radius 0.5 (class 1) inside one of radius 1 (class 0): scikit-learn's `make_circles`. */
function drawCircles(count, random, noise) {
  const outer = Math.floor(count / 2);
  const inner = count - outer;
  const points = [];
  for (let i = 0; i < outer; i++) {
    const angle = (2 * Math.PI * i) / outer;
    points.push({ label: 0, x: [Math.cos(angle), Math.sin(angle)] });
  }
  for (let i = 0; i < inner; i++) {
    const angle = (2 * Math.PI * i) / inner;
    points.push({ label: 1, x: [0.5 * Math.cos(angle), 0.5 * Math.sin(angle)] });
  }
  return shuffledAndScattered(points, noise, random);
}

/** K arms: radius r from 0 to 1, angle 2 pi k / K + 4 r + noise (Karpathy, CS231n, with K = 3). */
function drawSpirals(count, random, noise, arms) {
  const labels = Array.from({ length: count }, (_, i) => i % arms);
  const inputs = labels.map((label) => {
    const radius = random.uniform();
    const angle = (2 * Math.PI * label) / arms + 4 * radius + noise * random.normal();
    return [radius * Math.sin(angle), radius * Math.cos(angle)];
  });
  return { inputs, labels };
}

/** Students of lecture 000: one passes with probability sigmoid(lectures + 1.5 hours - 8). */
function drawPassClass(count, random) {
  const inputs = Array.from({ length: count }, () => [random.integer(9), 10 * random.uniform()]);
  const labels = inputs.map(([lectures, hours]) => {
    const chance = 1 / (1 + Math.exp(8 - lectures - 1.5 * hours));
    return random.uniform() < chance ? 1 : 0;
  });
  return { inputs, labels };
}

/** Add normal noise of standard deviation `noise` to a point. */
function scatterPoint([x1, x2], noise, random) {
  return [x1 + noise * random.normal(), x2 + noise * random.normal()];
}

/** Shuffle points {x, label}, then scatter them. */
function shuffledAndScattered(points, noise, random) {
  random.shuffle(points);
  return { inputs: points.map(({ x }) => scatterPoint(x, noise, random)), labels: points.map(({ label }) => label) };
}
