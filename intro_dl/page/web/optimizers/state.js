/*
 * The state of the tab Optimizers, as it stands in the address, and its checks: what the address says may be
 * anything, and an invalid value is replaced by its default.
 */
"use strict";

const RACER_NAMES = Object.keys(RACERS);
const RACE_SPEEDS = [4, 30, 300]; // steps a second

/** The state at first; an empty list means the start or the rates of the chosen surface or loss. */
const OPTIMIZERS_DEFAULTS = {
  view: "race",
  steps: 0, // already taken when the page opens, so that a link shows a moment
  speed: 30,
  surface: "bowl",
  racers: RACER_NAMES,
  start: [], // x, y
  rates: [], // of all six, in the order of RACERS
  factor: 1, // multiplies all rates
  momentum: 0.9,
  loss: "slide",
  curvature: 1, // f'' of the quadratic
  w: [], // one number, the start of the balls
  etas: [], // the three rates
};

/** Return `state` with every value that cannot be used replaced by its default. */
function checkOptimizersState(state) {
  const first = OPTIMIZERS_DEFAULTS;
  const list = (numbers, count, low, high) =>
    numbers.length === count && numbers.every((value) => value >= low && value <= high) ? numbers : [];
  const racers = RACER_NAMES.filter((name) => state.racers.includes(name));
  const loss = oneOf(state.loss, Object.keys(BALL_LOSSES), first.loss);
  return {
    ...state,
    view: oneOf(state.view, ["race", "ball"], first.view),
    steps: wholeBetween(state.steps, 0, RACE_LIMIT, 0),
    speed: oneOf(state.speed, RACE_SPEEDS, first.speed),
    surface: oneOf(state.surface, Object.keys(SURFACES), first.surface),
    racers: racers.length ? racers : first.racers,
    start: list(state.start, 2, -100, 100),
    rates: list(state.rates, 6, 1e-6, 1000),
    factor: between(state.factor, 0.01, 100, 1),
    momentum: between(state.momentum, 0, 0.99, first.momentum),
    loss,
    curvature: between(state.curvature, 0.25, 2, first.curvature),
    w: list(state.w, 1, ...BALL_LOSSES[loss].starts),
    etas: list(state.etas, 3, 0.001, 20),
  };
}

/** Return the set-up of the race that `state` describes, see `Race`. */
function raceSetup(state) {
  const surface = SURFACES[state.surface];
  const rates = ownRates(state);
  return {
    surface: state.surface,
    racers: state.racers,
    rates: Object.fromEntries(RACER_NAMES.map((name, k) => [name, rates[k] * state.factor])),
    momentum: state.momentum,
    start: state.start.length ? state.start : surface.start,
  };
}

/** Return the six rates before the shared factor. */
function ownRates(state) {
  return state.rates.length ? state.rates : RACER_NAMES.map((name) => SURFACES[state.surface].rates[name]);
}

/** Return the set-up of the balls that `state` describes, see `BallTrial`. */
function ballSetup(state) {
  const loss = BALL_LOSSES[state.loss];
  const limit = state.loss === "quadratic" ? rateLimit(state.curvature) : 1;
  const rates = loss.rates.map((rate) => Number((rate * limit).toPrecision(4)));
  return {
    loss: state.loss,
    curvature: state.curvature,
    start: state.w.length ? state.w[0] : loss.start,
    rates: state.etas.length ? state.etas : rates,
  };
}
