/* The settings of the playground: their defaults, what the address may say, and the command that trains the same. */
"use strict";

const PLAYGROUND_DEFAULTS = {
  data: "spirals",
  arms: 3, // of the spirals
  noise: "", // of the data set, or the distance of two Gaussians; "" is the default of configs/data/
  points: 600, // for training
  pointSeed: 0,
  own: "", // points of one's own, see pointsToAddress
  names: "", // of their classes, if a file named them
  hidden: [8, 8],
  activation: "tanh",
  init: "default",
  seed: 0, // of the initial weights, the order of the batches and dropout
  optimizer: "adam",
  rate: 0.01,
  decay: 0, // L2: added to each gradient, times the weight
  dropout: 0,
  batch: "16",
  speed: 5, // steps a frame
  log: false, // scale of the losses
  steps: 0, // taken at once when the address is opened
};

const PLAYGROUND_CHOICES = {
  points: [16, 32, 64, 128, 600], // multiples of the batch sizes, so that the command has the same points
  activation: ["relu", "tanh", "sigmoid", "identity"],
  batch: ["1", "4", "16", "64", "all"],
  decay: [0, 0.0001, 0.001, 0.01, 0.1],
  speed: [1, 5, 25],
};
const MOST_LAYERS = 6;
const MOST_UNITS = 16;
const MOST_STEPS_IN_ADDRESS = 5000;
const SMALLEST_RATE = 1e-4;
const LARGEST_RATE = 100;

/** Replace what the address asks for and the playground does not have. */
function checkPlayground(state) {
  const start = PLAYGROUND_DEFAULTS;
  const whole = (key, low, high) => wholeBetween(state[key], low, high, start[key]);
  const pick = (key, allowed = PLAYGROUND_CHOICES[key]) => oneOf(state[key], allowed, start[key]);
  const data = pick("data", [...Object.keys(TOY_DATA), "own", ...(POINT_RUNS.length ? ["run"] : [])]);
  const units = (count) => Number.isInteger(count) && count >= 1 && count <= MOST_UNITS;
  const option = TOY_DATA[data]?.option;
  const noiseFits =
    option && state.noise.trim() !== "" && Number(state.noise) >= option.low && Number(state.noise) <= option.high;
  return {
    ...state,
    data,
    arms: whole("arms", 2, MOST_CLASSES),
    noise: noiseFits ? String(Number(state.noise)) : "",
    points: pick("points"),
    pointSeed: whole("pointSeed", 0, 2 ** 32 - 1),
    own: pointsToAddress(pointsFromAddress(state.own, state.names)),
    hidden: state.hidden.length <= MOST_LAYERS && state.hidden.every(units) ? state.hidden : start.hidden,
    activation: pick("activation"),
    init: pick("init", Object.keys(INITIALIZATIONS)),
    seed: whole("seed", 0, 2 ** 32 - 1),
    optimizer: pick("optimizer", Object.keys(OPTIMIZERS)),
    rate: between(state.rate, SMALLEST_RATE, LARGEST_RATE, start.rate),
    decay: between(state.decay, 0, 1, 0),
    dropout: between(state.dropout, 0, 0.9, 0),
    batch: pick("batch"),
    speed: pick("speed"),
    steps: whole("steps", 0, MOST_STEPS_IN_ADDRESS),
  };
}

/** The runs that the playground can show: points of two features, and a probability of each class. */
const POINT_RUNS = RUNS.filter(({ kind, points, classes, graph }) => {
  return (
    kind === "points" &&
    points?.inputs[0]?.length === 2 &&
    classes?.length >= 2 &&
    classes.length <= MOST_CLASSES &&
    graph.outputs.includes("probabilities")
  );
});

/** Return the noise or distance of the data set. */
function optionOf({ data, noise }) {
  return noise === "" ? TOY_DATA[data].option?.value : Number(noise);
}

/** Return the number of examples in a batch when `count` points train. */
function batchSizeOf({ batch }, count) {
  return batch === "all" ? count : Math.min(Number(batch), count);
}

/** Return the points of a state: {train, test, features, classes, scale}; `own` are those of one's own. */
function pointsOfState(state, own = pointsFromAddress(state.own, state.names)) {
  if (state.data === "own") return splitOwnPoints(own);
  return drawToyData(state.data, {
    option: optionOf(state),
    arms: state.arms,
    points: state.points,
    seed: state.pointSeed,
  });
}

/** Return the command line that trains the same network from its initial weights: on the same rule of points, or
 * on points of one's own in the file that "Save as CSV" writes. */
function commandOfPlayground(state, epochs) {
  const isOwn = state.data === "own";
  const option = TOY_DATA[state.data]?.option;
  const points = isOwn ? TRAIN_POINTS : state.points; // a file is read whole
  const hasDropout = state.dropout > 0 && state.hidden.length > 0;
  const batch = state.batch === "all" && points === TRAIN_POINTS ? "null" : batchSizeOf(state, points);
  return [
    "intro-dl train",
    isOwn ? `data=table data.path=${OWN_FILE}` : `data=${state.data}`,
    state.data === "spirals" && `data.arms=${state.arms}`,
    option && state.noise !== "" && `data.${option.key}=${state.noise}`,
    batch !== 16 && `data.batch_size=${batch}`,
    !isOwn && state.pointSeed > 0 && `data.split_seed=${state.pointSeed}`,
    "model=mlp",
    `"model.hidden=[${state.hidden}]"`,
    `model.activation=${state.activation}`,
    state.init !== "default" && `model.init=${state.init}`,
    `optim=${state.optimizer}`,
    `optim.lr=${state.rate}`,
    state.decay > 0 && `regularization.weight_decay=${state.decay}`,
    hasDropout && `regularization.dropout=${state.dropout}`,
    state.seed > 0 && `seed=${state.seed}`,
    // Fewer points: the same batches in each epoch, which also switches off early stopping.
    points < TRAIN_POINTS ? `trainer.overfit_batches=${points / batch}` : "callbacks=no_early_stopping",
    `trainer.max_epochs=${Math.max(1, epochs)}`,
  ]
    .filter(Boolean)
    .join(" ");
}
