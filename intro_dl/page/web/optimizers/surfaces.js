/*
 * The surfaces of the race: loss functions f(x, y) of two parameters, with their gradients by hand.
 *
 * The long bowl is the valley of lecture 002 (claim F9: ten times as steep in y as in x), the two minima are
 * the landscape of figure G5 (lectures 000 and 003, "Gradient Descent"). Tested against torch.autograd.
 */
"use strict";

/** Bumps of the landscape of figure G5: height * exp(-1.3 * ((x - cx)^2 + (y - cy)^2)). */
const LANDSCAPE_BUMPS = [
  { height: -1.9, cx: 0.8, cy: -0.8 },
  { height: -1.3, cx: -1, cy: 0.2 },
  { height: 1.2, cx: 0.5, cy: 1.2 },
];

/**
 * By name: title, formula, what it shows, `f(x, y)`, `gradient(x, y)` -> [df/dx, df/dy], the global `minima` and
 * `others` (points where the gradient is 0 as well), the window that is drawn, the start, and a learning rate of
 * each optimizer that suits the slopes of this surface. With `evenLevels` the contour lines have equal distances in f.
 */
const SURFACES = {
  bowl: {
    title: "Long bowl",
    formula: "f(x, y) = (x² + 10 y²) / 2",
    lesson: "Ten times as steep in y as in x: a rate that suits y is small for x.",
    f: (x, y) => (x * x + 10 * y * y) / 2,
    gradient: (x, y) => [x, 10 * y],
    minima: [[0, 0]],
    others: [],
    window: { x: [-4.5, 2.5], y: [-2, 2] },
    start: [-4, 1.5],
    rates: { sgd: 0.1, momentum: 0.02, adagrad: 0.5, adadelta: 1, rmsprop: 0.05, adam: 0.1 },
  },
  rosenbrock: {
    title: "Rosenbrock's curved valley",
    formula: "f(x, y) = (1 − x)² + 100 (y − x²)²",
    lesson: "Into the valley is easy; along its flat floor to the minimum takes hundreds of steps.",
    f: (x, y) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    gradient: (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
    minima: [[1, 1]],
    others: [],
    window: { x: [-2, 2], y: [-1, 3] },
    start: [-1.2, 1],
    rates: { sgd: 0.0015, momentum: 0.0005, adagrad: 0.5, adadelta: 1, rmsprop: 0.002, adam: 0.05 },
  },
  beale: {
    title: "Beale's function",
    formula: "f(x, y) = (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
    lesson: "Walls at the edges, a flat middle: one rate for both is hard to find.",
    f: (x, y) => (1.5 - x + x * y) ** 2 + (2.25 - x + x * y ** 2) ** 2 + (2.625 - x + x * y ** 3) ** 2,
    gradient: (x, y) => {
      const [a, b, c] = [1.5 - x + x * y, 2.25 - x + x * y ** 2, 2.625 - x + x * y ** 3];
      return [
        2 * a * (y - 1) + 2 * b * (y ** 2 - 1) + 2 * c * (y ** 3 - 1),
        2 * a * x + 4 * b * x * y + 6 * c * x * y ** 2,
      ];
    },
    minima: [[3, 0.5]],
    others: [[0, 1]],
    window: { x: [-1, 4.5], y: [-2, 2] },
    start: [1, 1.5],
    rates: { sgd: 0.01, momentum: 0.005, adagrad: 0.3, adadelta: 1, rmsprop: 0.01, adam: 0.1 },
  },
  saddle: {
    title: "Saddle between two minima",
    formula: "f(x, y) = x² / 2 + (y² − 1)² / 4",
    lesson: "At the saddle (0, 0) the gradient is zero, although the surface falls on both sides.",
    f: (x, y) => (x * x) / 2 + (y * y - 1) ** 2 / 4,
    gradient: (x, y) => [x, y * (y * y - 1)],
    minima: [[0, -1], [0, 1]],
    others: [[0, 0]],
    window: { x: [-2.2, 2.2], y: [-1.6, 1.6] },
    start: [-2, 0.01],
    rates: { sgd: 0.1, momentum: 0.02, adagrad: 0.2, adadelta: 1, rmsprop: 0.02, adam: 0.05 },
  },
  minima: {
    title: "Hill and two minima (figure G5)",
    formula: "f = 2 − 1.9 b(0.8, −0.8) − 1.3 b(−1, 0.2) + 1.2 b(0.5, 1.2) with b(u, v) = exp(−1.3 ((x − u)² + (y − v)²))",
    lesson: "Where it starts decides which minimum an optimizer finds; only one of the two is global.",
    f: (x, y) =>
      LANDSCAPE_BUMPS.reduce((sum, b) => sum + b.height * Math.exp(-1.3 * ((x - b.cx) ** 2 + (y - b.cy) ** 2)), 2),
    gradient: (x, y) => {
      const slope = [0, 0];
      for (const { height, cx, cy } of LANDSCAPE_BUMPS) {
        const bump = height * Math.exp(-1.3 * ((x - cx) ** 2 + (y - cy) ** 2));
        slope[0] += -2.6 * (x - cx) * bump;
        slope[1] += -2.6 * (y - cy) * bump;
      }
      return slope;
    },
    minima: [[0.7958896129102416, -0.8033208968985134]],
    others: [[-1.008017244042225, 0.18144552120423035]],
    window: { x: [-2, 2], y: [-2, 2] },
    start: [0.6, 0.9],
    evenLevels: true,
    rates: { sgd: 0.06, momentum: 0.02, adagrad: 0.2, adadelta: 1, rmsprop: 0.02, adam: 0.05 },
  },
  plateau: {
    title: "Hole in a plateau",
    formula: "f(x, y) = 1 − exp(−(x² + y²) / 2)",
    lesson: "Far out the gradient is almost zero, so a step of rate times gradient hardly moves.",
    f: (x, y) => 1 - Math.exp(-(x * x + y * y) / 2),
    gradient: (x, y) => {
      const inner = Math.exp(-(x * x + y * y) / 2);
      return [x * inner, y * inner];
    },
    minima: [[0, 0]],
    others: [],
    window: { x: [-4, 2.5], y: [-2, 2.5] },
    start: [-3, 1.5],
    rates: { sgd: 0.1, momentum: 0.05, adagrad: 0.2, adadelta: 1, rmsprop: 0.02, adam: 0.05 },
  },
};

/** Return the value of f at the global minimum. */
function lowestValue(surface) {
  return Math.min(...surface.minima.map(([x, y]) => surface.f(x, y)));
}

/** Return the distance of (x, y) from the nearest global minimum. */
function distanceToMinimum(surface, x, y) {
  return Math.min(...surface.minima.map(([mx, my]) => Math.hypot(x - mx, y - my)));
}

/**
 * Return L, the largest curvature at the minimum: the largest eigenvalue of the Hessian [[a, b], [b, d]] there,
 * by central differences of the gradient. Near the minimum SGD converges if its rate is below 2 / L.
 */
function steepestCurvature(surface) {
  const [x, y] = surface.minima[0];
  const h = 1e-5;
  const slopes = (dx, dy) => {
    const [after, before] = [surface.gradient(x + dx, y + dy), surface.gradient(x - dx, y - dy)];
    return after.map((value, i) => (value - before[i]) / (2 * h));
  };
  const [a, b] = slopes(h, 0);
  const d = slopes(0, h)[1];
  return (a + d) / 2 + Math.hypot((a - d) / 2, b);
}
