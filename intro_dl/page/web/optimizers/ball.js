/*
 * One ball, three learning rates: gradient descent w <- w - eta f'(w) in one dimension.
 * Lectures 000 and 003, "Setting the Learning Rate": too small gets stuck, too large diverges (figure G7).
 */
"use strict";

/**
 * By name: title, formula, `f(w, c)`, `slope(w, c)`, the window of w and of f that is drawn, the start and its range, and the
 * three rates (of the quadratic: fractions of its limit). c is f'' of the quadratic; the other loss ignores it.
 */
const BALL_LOSSES = {
  quadratic: {
    title: "Quadratic",
    formula: "f(w) = ½ f″ w²",
    f: (w, c) => (c * w * w) / 2,
    slope: (w, c) => c * w,
    window: { x: [-5, 5], y: [-1.8, 25] },
    starts: [-4.5, 4.5],
    minima: [0],
    local: [],
    start: 4,
    rates: [0.1, 0.9, 1.05],
  },
  slide: {
    title: "Non-convex loss of the slides (figure G7)",
    formula: "J(w) = 0.05 w⁴ − 0.4 w² − 0.13 w + 2",
    f: (w) => 0.05 * w ** 4 - 0.4 * w ** 2 - 0.13 * w + 2,
    slope: (w) => 0.2 * w ** 3 - 0.8 * w - 0.13,
    window: { x: [-5, 5], y: [-0.8, 10] },
    starts: [-4, 4],
    minima: [2.0772],
    local: [-1.9134],
    start: -3.6,
    rates: [0.08, 0.7, 1.12],
  },
};

const BALL_LIMIT = 200; // steps
const BALL_SPEED = 5; // steps a second: slow enough to follow each jump
const BALL_FAR = 100; // a ball has diverged when |w| is larger, as in figure G7

/** The limit of the rate on the quadratic: below 2 / f'' gradient descent converges. */
function rateLimit(curvature) {
  return 2 / curvature;
}

/** One ball: the rate, and w at each step. */
class Ball {
  constructor(loss, curvature, start, rate) {
    this.loss = loss;
    this.curvature = curvature;
    this.rate = rate;
    this.path = [start];
    this.diverged = null; // the step at which |w| > BALL_FAR
  }

  get w() {
    return this.path[this.path.length - 1];
  }

  /** Return f at w. */
  height(w) {
    return this.loss.f(w, this.curvature);
  }

  /** Take one step of gradient descent, unless the ball has diverged. */
  step() {
    if (this.diverged !== null) return;
    this.path.push(this.w - this.rate * this.loss.slope(this.w, this.curvature));
    if (!(Math.abs(this.w) <= BALL_FAR)) this.diverged = this.path.length - 1;
  }

  /** Return whether further steps would show nothing new. */
  settled() {
    const before = this.path[this.path.length - 2];
    return this.diverged !== null || (before !== undefined && Math.abs(this.w - before) < 1e-4);
  }
}

/** Three balls that start at the same w. */
class BallTrial {
  constructor({ loss, curvature, start, rates }) {
    this.loss = BALL_LOSSES[loss];
    this.name = loss;
    this.curvature = curvature;
    this.steps = 0;
    this.balls = rates.map((rate) => new Ball(this.loss, curvature, start, rate));
  }

  /** Let every ball take `count` steps, at most up to BALL_LIMIT. */
  advance(count) {
    for (let k = 0; k < count && this.steps < BALL_LIMIT; k++) {
      for (const ball of this.balls) ball.step();
      this.steps++;
    }
  }

  /** Return whether every ball has settled, or the limit is reached. */
  finished() {
    return this.steps >= BALL_LIMIT || this.balls.every((ball) => ball.settled());
  }
}

/** Return a sentence on what the rate of `ball` does: exact for the quadratic, by observation otherwise. */
function ballSentence(ball) {
  return ball.loss === BALL_LOSSES.quadratic ? quadraticSentence(ball) : slideSentence(ball);
}

/** On the quadratic a step multiplies w by 1 - eta f''. */
function quadraticSentence(ball) {
  const factor = 1 - ball.rate * ball.curvature;
  const times = `Each step multiplies w by 1 − η f″ = ${shortNumber(factor)}`;
  if (Math.abs(Math.abs(factor) - 1) < 1e-9) return `${times}: the ball jumps between two points forever.`;
  if (factor < -1) {
    const left = ball.diverged === null ? "each jump is longer than the last" : `at step ${ball.diverged} |w| is above ${BALL_FAR}`;
    return `${times}: diverges, ${left}.`;
  }
  if (factor < 0) return `${times}: jumps over the minimum at every step, and converges.`;
  if (factor === 0) return `${times}: one step reaches the minimum.`;
  return `${times}: converges from one side${factor > 0.9 ? ", slowly" : ""}.`;
}

/** On the loss of the slides: where the ball is now. */
function slideSentence(ball) {
  if (ball.diverged !== null) return `Diverges: |w| is above ${BALL_FAR} at step ${ball.diverged}. The rate is too large.`;
  if (ball.path.length === 1) return "At the start.";
  const slow = Math.abs(ball.rate * ball.loss.slope(ball.w)) < 0.05; // the next step is short
  const near = (points) => slow && points.some((point) => Math.abs(ball.w - point) < 0.05);
  if (near(ball.loss.minima)) return `Is at the global minimum, w = ${shortNumber(ball.w)}.`;
  if (near(ball.loss.local)) return `Gets stuck in the local minimum, w = ${shortNumber(ball.w)}.`;
  return `On its way: w = ${shortNumber(ball.w)}.`;
}
