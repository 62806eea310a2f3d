/*
 * The race: each optimizer walks down the same surface from the same start, in Float64, with the update rules of
 * engine/optimizers.js, which are those of torch.optim (lecture 002, "Ways to Use Weight Derivatives").
 */
"use strict";

/** How a racer is drawn: a color for light and for dark, and a marker shape. */
const RACERS = {
  sgd: { light: "#0877bd", dark: "#4fb3f0", marker: "circle" },
  momentum: { light: "#d95f02", dark: "#f59322", marker: "square" },
  adagrad: { light: "#1b7f5c", dark: "#3fc79a", marker: "triangle" },
  adadelta: { light: "#8a6d00", dark: "#e0c341", marker: "down" },
  rmsprop: { light: "#b0307f", dark: "#f07cc3", marker: "diamond" },
  adam: { light: "#2b2b2b", dark: "#f2f2f2", marker: "cross" },
};

/** The looks of the three balls: those of three racers. */
const BALL_LOOKS = ["sgd", "momentum", "adagrad"].map((name) => RACERS[name]);

const RACE_LIMIT = 3000; // steps; enough for SGD in Rosenbrock's valley
const RACE_THRESHOLD = 0.01; // a racer has arrived when f is less than this above the global minimum
const RACE_FAR = 1000; // and has diverged when it is farther than this from the minimum

/** One optimizer on its way: its position (2,), its path [x0, y0, x1, y1, ...], and f at each step. */
class Racer {
  constructor(name, surface, start, settings) {
    this.name = name;
    this.surface = surface;
    this.goal = lowestValue(surface) + RACE_THRESHOLD; // it has arrived below this
    this.settings = settings;
    this.position = Tensor.of([2], start, Float64Array);
    this.state = {};
    this.path = [...start];
    this.values = [surface.f(...start)];
    this.arrived = null; // the first step with f < minimum + RACE_THRESHOLD
    this.diverged = null; // the step at which it was too far away
    this.check();
  }

  /** Take one step against the gradient, unless it has diverged. */
  step() {
    if (this.diverged !== null) return;
    const slope = Tensor.of([2], this.surface.gradient(...this.position.data), Float64Array);
    OPTIMIZERS[this.name].step(this.position, slope, this.state, this.settings);
    this.path.push(...this.position.data);
    this.values.push(this.surface.f(...this.position.data));
    this.check();
  }

  /** Note whether this step has arrived or diverged. */
  check() {
    const steps = this.values.length - 1;
    const value = this.values[steps];
    if (!Number.isFinite(value) || !(this.distance() < RACE_FAR)) this.diverged = steps;
    else if (this.arrived === null && value < this.goal) this.arrived = steps;
  }

  /** Return the distance from the nearest global minimum. */
  distance() {
    return distanceToMinimum(this.surface, ...this.position.data);
  }
}

/**
 * All racers and the number of steps taken.
 * `setup`: {surface: name, racers: [names], rates: {name: rate}, momentum, start: [x, y]}.
 */
class Race {
  constructor(setup) {
    this.surface = SURFACES[setup.surface];
    this.start = setup.start;
    this.steps = 0;
    this.racers = setup.racers.map((name) => {
      const settings = { ...OPTIMIZERS[name].defaults, weight_decay: 0, lr: setup.rates[name] };
      if (name === "momentum") settings.momentum = setup.momentum;
      return new Racer(name, this.surface, setup.start, settings);
    });
  }

  /** Let every racer take `count` steps, at most up to RACE_LIMIT. */
  advance(count) {
    for (let k = 0; k < count && this.steps < RACE_LIMIT; k++) {
      for (const racer of this.racers) racer.step();
      this.steps++;
    }
  }

  /** Return whether every racer has arrived or diverged, or the limit is reached. */
  finished() {
    return this.steps >= RACE_LIMIT || this.racers.every((racer) => racer.arrived !== null || racer.diverged !== null);
  }
}

/** Return the sentences on a race: one on all that stand still in a wrong place, and one on each other racer in trouble. */
function raceSentences({ racers }) {
  const still = racers.filter(standsStill).map(({ name }) => OPTIMIZERS[name].title);
  const names = still.length > 1 ? `${still.slice(0, -1).join(", ")} and ${still.at(-1)} stand` : `${still[0]} stands`;
  const sentence = `${names} still: the gradient is zero here, but this is not the lowest point.`;
  return [...(still.length ? [sentence] : []), ...racers.map(racerSentence).filter(Boolean)];
}

/** Return whether the gradient is zero where `racer` is, although this is not a minimum. */
function standsStill(racer) {
  const slope = Math.hypot(...racer.surface.gradient(...racer.position.data));
  return racer.diverged === null && slope <= 1e-6 && racer.distance() >= 0.1;
}

/** Return a sentence if `racer` has diverged or cannot settle at its rate; else "". */
function racerSentence(racer) {
  const { name, settings } = racer;
  const { title } = OPTIMIZERS[name];
  const limit = rateLimitNearMinimum(racer);
  const ratio = limit ? settings.lr / limit : 0;
  const above = `its rate ${shortNumber(settings.lr)} is above its limit ${shortNumber(limit)}`;
  if (racer.diverged !== null) {
    return `${title} diverged at step ${racer.diverged}${ratio > 1 ? `: ${above}` : ""}. Choose a lower rate.`;
  }
  if (ratio > 1 + 1e-6) return `${title} cannot settle in the minimum: ${above}.`;
  if (ratio > 1 - 1e-6) return `${title} is at its limit, the rate ${shortNumber(limit)}: near the minimum its jumps do not shrink.`;
  return "";
}

/**
 * Return the rate above which `racer` cannot settle in the minimum, or null if its rule has no such limit:
 * 2 / L of SGD, 2 (1 + gamma) / L with momentum gamma, where L is the largest curvature at the minimum.
 */
function rateLimitNearMinimum({ name, surface, settings }) {
  if (name !== "sgd" && name !== "momentum") return null;
  return (2 * (1 + (name === "momentum" ? settings.momentum : 0))) / steepestCurvature(surface);
}
