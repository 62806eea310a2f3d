/* Train the network of the playground, step by step.

Slide: lecture 002, "How to Train a Neural Network?": take a batch, compute the loss and its gradient, change
the weights a little; lecture 004, "mini-batch". One epoch reads each training point once. */
"use strict";

const LONGEST_HISTORY = 500; // pairs [step, loss] of a curve
const OVERSHOOTS = "each step overshoots the valley";

class PlaygroundTrainer {
  /** Draw initial weights. `data` is what `pointsOfState` returns. */
  constructor(state, data, Type = Float32Array) {
    this.Type = Type;
    this.random = new RandomNumbers(state.seed); // first the weights, then the order of the batches, and dropout
    this.sizes = [2, ...state.hidden, data.classes.length];
    this.steps = this.epochs = 0;
    this.histories = { train: [], test: [] };
    this.every = 1; // steps between two records of the history
    this.setData(data);
    this.setState(state);
  }

  /** Replace the points; weights and history stay. */
  setData(data) {
    this.data = data;
    this.train = standardizedPoints(data.train, data.scale, this.Type);
    this.test = standardizedPoints(data.test, data.scale, this.Type);
    this.order = [];
    this.epochOrder = null;
    this.measure();
  }

  /** Use these settings from the next step on; the weights stay. */
  setState(state) {
    const { activation, init, dropout } = state;
    const random = this.network ? new RandomNumbers(0) : this.random;
    const fresh = mlpGraph({ sizes: this.sizes, activation, init, dropout, random, Type: this.Type });
    this.network = { ...fresh, parameters: this.network?.parameters ?? fresh.parameters, random: this.random };
    const optimizer = makeOptimizer(state.optimizer, { lr: state.rate, weight_decay: state.decay });
    if (this.optimizer?.name === state.optimizer) optimizer.states = this.optimizer.states;
    this.optimizer = optimizer;
    this.state = state;
    this.jumped = null;
    this.measure();
  }

  /** The number of training points, and of the steps in an epoch. */
  get count() {
    return this.train.labels.size;
  }

  get stepsPerEpoch() {
    return Math.ceil(this.count / batchSizeOf(this.state, this.count));
  }

  /** Return the indices of the next batch; each epoch has a new order, and its last batch may be smaller.
   *
   * With few points, all epochs have the same batches, as with trainer.overfit_batches.
   */
  nextIndices() {
    if (this.order.length === 0) {
      const repeats = this.state.data !== "own" && this.count < TRAIN_POINTS;
      const all = Array.from({ length: this.count }, (_, i) => i);
      if (!repeats || !this.epochOrder) this.epochOrder = this.random.shuffle(all);
      this.order = this.epochOrder.slice();
    }
    return this.order.splice(0, batchSizeOf(this.state, this.count));
  }

  /** Take one step of the optimizer, and return the loss of its batch. */
  step() {
    const indices = this.nextIndices();
    const loss = trainStep(this.network, rowsOfPoints(this.train, indices), this.optimizer);
    this.steps += 1;
    if (this.order.length === 0) this.epochs += 1;
    if (!Number.isFinite(loss)) this.markDiverged();
    return loss;
  }

  /** Measure loss and accuracy on all points of both splits: {train: {loss, accuracy}, test}; null without points. */
  measure() {
    if (!this.network) return null;
    this.measures = { train: this.measureSplit(this.train), test: this.measureSplit(this.test) };
    if (this.measures.train && !Number.isFinite(this.measures.train.loss)) this.markDiverged();
    if (this.steps >= 20 && this.measures.train?.loss > 2 * Math.log(this.sizes.at(-1))) {
      this.jumped ??= { steps: this.steps, loss: this.measures.train.loss }; // kept, so that the note does not flicker
    }
    return this.measures;
  }

  /** Return loss and accuracy on points, without dropout. */
  measureSplit({ inputs, labels }) {
    if (labels.size === 0) return null;
    const logits = runGraph(this.network.graph, this.network.parameters, { points: inputs }).get("logits");
    const loss = OPERATIONS.cross_entropy.forward([logits, labels]).data[0];
    return { loss, accuracy: accuracyOf(logits, labels) };
  }

  /** Add the last measures to the curves; a long curve keeps every second point. */
  record() {
    if (this.steps < (this.histories.train.at(-1)?.[0] ?? -this.every) + this.every) return;
    for (const split of ["train", "test"]) {
      if (this.measures[split]) this.histories[split].push([this.steps, this.measures[split].loss]);
    }
    if (this.histories.train.length <= LONGEST_HISTORY) return;
    for (const split of ["train", "test"]) {
      this.histories[split] = this.histories[split].filter((_, i) => i % 2 === 0);
    }
    this.every = Math.ceil((2 * this.steps) / LONGEST_HISTORY);
  }

  /** Keep when the loss stopped being finite, and the rate at that time. */
  markDiverged() {
    this.diverged ??= { steps: this.steps, rate: this.state.rate };
  }

  /** Return the sentence about a training that cannot continue, or "". */
  get problem() {
    if (!this.diverged) return "";
    const { steps, rate } = this.diverged;
    const smaller = Number((rate / 10).toPrecision(1));
    return (
      `The loss is not finite after ${steps} steps: the rate ${rate} is too large for this network: ${OVERSHOOTS}. ` +
      `Choose a smaller rate, e.g. ${smaller}, and press Restart.`
    );
  }

  /** Return the sentence about a training that was worse than guessing, or that cannot succeed, or "". */
  get note() {
    const { data, hidden, activation } = this.state;
    if (this.jumped) {
      const { steps, loss } = this.jumped;
      return (
        `The training loss was ${shortNumber(Number(loss.toPrecision(3)))} after ${steps} steps, and guessing has ` +
        `${Math.log(this.sizes.at(-1)).toFixed(2)}: the rate is too large, ${OVERSHOOTS}. ` +
        "Choose a smaller rate, and press Restart."
      );
    }
    const isLinear = hidden.length === 0 || activation === "identity";
    if (!(data === "xor" && isLinear && this.steps >= 20 && this.measures.test.accuracy < 0.8)) return "";
    const advice = hidden.length ? "Choose another activation." : "Add a hidden layer.";
    return `No line separates the classes of XOR (lecture 002), and this network can only draw a line. ${advice}`;
  }
}

/** Return what stands in for a trainer while the network of a run is shown: it measures the run's test points. */
function trainedRun(entry) {
  const { graph, parameters } = loadModel(entry);
  const scale = { mean: entry.mean, std: entry.std };
  const { inputs, labels } = standardizedPoints(entry.points, scale, Float32Array);
  const values = runGraph(graph, parameters, { [graph.inputs[0]]: inputs });
  const chances = values.get("probabilities");
  const logits = values.get("logits") ?? new Tensor(chances.shape, chances.data.map(Math.log));
  const loss = OPERATIONS.cross_entropy.forward([logits, labels]).data[0];
  return {
    data: {
      train: { inputs: [], labels: [] },
      test: entry.points,
      features: entry.features ?? ["x1", "x2"],
      classes: entry.classes,
      query: entry.data === "PassClass" ? TOY_DATA.pass_class.query : null,
      scale,
    },
    network: { graph, parameters },
    measures: { train: null, test: { loss, accuracy: accuracyOf(chances, labels) } },
    histories: { train: [], test: [] },
    steps: null,
    measure() {},
    record() {},
  };
}

/** Return the fraction of rows of scores (N, K) whose largest is that of the label (N). */
function accuracyOf(scores, labels) {
  return labels.data.reduce((sum, label, row) => sum + (largestInRow(scores, row) === label), 0) / labels.size;
}

/** Return points as tensors: inputs (N, 2) with mean 0 and standard deviation 1, and labels (N). */
function standardizedPoints({ inputs, labels }, { mean, std }, Type) {
  const numbers = inputs.flatMap((x) => x.map((value, feature) => (value - mean[feature]) / std[feature]));
  return { inputs: Tensor.of([labels.length, 2], numbers, Type), labels: Tensor.of([labels.length], labels, Type) };
}

/** Return some rows of points as a batch. */
function rowsOfPoints({ inputs, labels }, indices) {
  const { Type } = inputs;
  const x = Tensor.zeros([indices.length, 2], Type);
  const y = Tensor.zeros([indices.length], Type);
  indices.forEach((index, row) => {
    x.data[2 * row] = inputs.data[2 * index];
    x.data[2 * row + 1] = inputs.data[2 * index + 1];
    y.data[row] = labels.data[index];
  });
  return { inputs: x, labels: y };
}

/** Return the column of the largest number in a row of a tensor (N, K). */
function largestInRow({ data, shape: [, K] }, row) {
  let best = 0;
  for (let k = 1; k < K; k++) if (data[row * K + k] > data[row * K + best]) best = k;
  return best;
}
