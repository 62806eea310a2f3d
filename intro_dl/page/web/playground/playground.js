/* The tab Playground: train a small network in the page, and watch its decision regions.

After tensorflow's playground (Smilkov and Carter); here with three classes and more, own points, six optimizers,
and the command that trains the same. This file puts the parts together: toy_data.js and points.js (points),
trainer.js (training), regions.js and plane.js (picture), network_view.js (drawing), settings.js (controls). */
"use strict";

const FRAME_BUDGET = 8; // milliseconds of training in a frame; a frame has 16.7
const PAINT_BUDGET = 5; // milliseconds a frame of painting, on average: a large network is painted less often
const STILL_FRAMES = 30; // frames between two pictures for a reader who prefers reduced motion

const COMMAND_NOTE =
  "The command below trains from step 0 with the settings that are shown, on points of the same rule. " +
  "Its random numbers are others than those of the page, and it reports the weights of its best epoch. " +
  "Overfitting is visible in the curves loss/train and loss/val: see curves.png in the directory of the run, or TensorBoard.";

const OVERFITTING = { data: "moons", noise: "0.4", points: 16, hidden: [16, 16], activation: "relu" };

addTab({
  name: "playground",
  title: "Playground",
  sentence:
    "Press Train and watch: each unit of the first hidden layer is a line with two sides, and deeper units combine " +
    "these lines into regions. Point at a unit to see it alone in the large picture.",
  tries: [
    ["XOR, no hidden layer", { data: "xor", hidden: [], rate: 0.03 }],
    ["XOR, 2 hidden units", { data: "xor", hidden: [2], rate: 0.03, seed: 1 }], // other seeds may end at 75 %
    ["All weights zero", { data: "circles", hidden: [4, 4], activation: "relu", init: "zeros", rate: 0.03 }],
    ["A rate too large", { data: "moons", optimizer: "sgd", rate: 10, speed: 1 }],
    ["Overfitting", OVERFITTING],
    ["The same with L2", { ...OVERFITTING, decay: 0.1 }],
  ],
  defaults: PLAYGROUND_DEFAULTS,
  check: checkPlayground,
  build: buildPlayground,
});

/** Build the tab. `play` holds what the functions below share. */
function buildPlayground(panel, tab) {
  const play = (tab.play = {
    tab,
    trainer: null, // a PlaygroundTrainer, or what stands in for it
    own: null, // points of one's own
    unit: null, // the unit that the large picture shows alone
    frames: 0,
    turn: 0, // what is painted next
    wait: 0, // frames until then
    changed: false, // whether settings changed after step 0, so that a restart gives other weights
    saidAt: 0, // when a screen reader was told of the numbers
  });
  play.plane = makePlane({ onPlace: (x, add) => readPlace(play, x, add) });
  play.network = makeNetworkView({ onUnit: (unit) => paintUnitInPlane(play, unit) });
  play.settings = makeSettings(tab, (values, restart) => changeSettings(play, values, restart));
  play.ownRow = makeOwnPointsRow((points, restart) => changeOwnPoints(play, points, restart));
  play.loop = animate(tab, () => playgroundFrame(play));
  play.loop.onChange((running) => running || restAfterTraining(play));
  play.chart = makeCanvas({
    width: 440,
    height: 220,
    label: "Loss on the training and test points over the steps",
    fluid: true,
  });
  play.table = makeMeasuresTable();
  play.progress = element("p", { class: "number" });
  play.place = element("p", { class: "soft" });
  play.shows = element("p", { class: "soft" });
  play.problem = element("p", { class: "notice", role: "alert", hidden: true });
  play.log = checkbox({
    label: "Logarithmic losses",
    value: tab.state.log,
    onchange: (log) => {
      tab.remember({ log });
      showMeasures(play);
    },
  });
  play.speed = choice({
    label: "Steps a frame",
    options: PLAYGROUND_CHOICES.speed,
    value: tab.state.speed,
    onchange: (speed) => tab.remember({ speed }),
  });
  const step = () => trainSteps(play, 1);
  const buttons = animationButtons(play.loop, { start: "Train", stop: "Pause", step: "Step", onStep: step });
  buttons.append(
    button("One epoch", () => trainSteps(play, play.trainer.stepsPerEpoch)),
    button("Restart", () => restartPlayground(play)),
  );
  play.onlyTraining = [...buttons.children]; // hidden while a trained run is shown
  buttons.append(...play.settings.data);
  if (POINT_RUNS.length) {
    play.runChoice = chooseRun(tab, (entry) => POINT_RUNS.includes(entry), () => followPlayground(play));
    buttons.append(play.runChoice);
  }
  const picture = element("figure", {}, play.plane.canvas, element("figcaption", {}, play.shows, play.place));
  const curves = element("div", {}, play.chart, play.log);
  const cards = element(
    "div",
    {},
    card("Training", controls(...play.settings.training, play.speed)),
    card("Network", play.settings.layers, controls(...play.settings.network)),
  );
  play.onlyTraining.push(curves, cards);
  const left = element("div", {}, play.ownRow.above, picture, play.progress, play.table, play.ownRow.below);
  const drawing = element("div", { class: "scroll" }, play.network.canvas);
  const middle = element("div", {}, drawing, play.network.readout, curves);
  Object.assign(left.style, { flex: "0 1 26.25rem" });
  Object.assign(middle.style, { flex: "1 1 28rem" });
  Object.assign(cards.style, { flex: "1 1 19rem", display: "grid", gap: "1.25rem" });
  play.about = element("p", { class: "soft" }, COMMAND_NOTE);
  panel.append(buttons, play.problem, columns(left, middle, cards), play.about);
  document.addEventListener("keydown", (event) => playgroundKey(play, event));
  tab.onState(() => followPlayground(play));
  onTheme(() => showPlayground(play));
  followPlayground(play);
}

/** Show what the address says. */
function followPlayground(play) {
  const { state } = play.tab;
  play.own = pointsFromAddress(state.own, state.names);
  play.log.set(state.log);
  play.speed.set(state.speed);
  const { steps } = state;
  restartPlayground(play);
  if (steps > 0 && state.data !== "run") trainSteps(play, steps);
}

/** Draw new initial weights, and start at step 0. */
function restartPlayground(play) {
  const { state } = play.tab;
  const isRun = state.data === "run";
  play.ownRow.show(play.own);
  play.ownRow.above.hidden = play.ownRow.below.hidden = state.data !== "own";
  if (play.runChoice) play.runChoice.hidden = !isRun;
  for (const part of play.onlyTraining) part.hidden = isRun;
  play.about.hidden = !(state.data in TOY_DATA);
  play.problem.hidden = true;
  play.settings.show(state);
  play.changed = false;
  if (isRun) {
    play.loop.stop();
    play.runChoice.set(state.run);
    play.trainer = trainedRun(play.runChoice.run);
  } else {
    play.trainer = new PlaygroundTrainer(state, pointsOfState(state, play.own));
  }
  play.unit = null;
  play.place.textContent = placeHint(play);
  setPlanePoints(play.plane, play.trainer.data, state.data === "own");
  setNetworkOfView(play.network, play.trainer.network, play.trainer.data);
  play.grid = regionGrid(play.plane.view, play.trainer.data.scale);
  if (state.steps > 0) play.tab.remember({ steps: 0 });
  showPlayground(play);
  showCommandOfPlayground(play);
}

/** Use changed settings: from the next step on, or after a restart. */
function changeSettings(play, values, restart) {
  play.tab.remember({ ...values, steps: 0 });
  if (restart || play.tab.state.data === "run") return restartPlayground(play);
  play.changed ||= play.trainer.steps > 0;
  play.trainer.setState(play.tab.state);
  play.settings.show(play.tab.state);
  showCommandOfPlayground(play);
}

/** Use other points of one's own; while some are added, the weights stay. */
function changeOwnPoints(play, points, restart = false) {
  const classes = [...points.classes, ...OWN_CLASSES.slice(points.classes.length)];
  play.own = { ...points, classes };
  const named = classes.some((name, i) => name !== OWN_CLASSES[i]);
  const names = named ? classes.map((name) => name.replaceAll("*", "").slice(0, 40)).join("*") : "";
  play.tab.remember({ own: pointsToAddress(play.own), names, steps: 0 });
  const data = pointsOfState(play.tab.state, play.own);
  const same = data.classes.length === play.trainer.data.classes.length;
  if (restart || !same || play.trainer.steps === 0) return restartPlayground(play);
  play.changed = true;
  play.trainer.setData(data);
  play.network.names = data;
  play.ownRow.show(play.own);
  setPlanePoints(play.plane, data, true);
  play.grid = regionGrid(play.plane.view, data.scale);
  showPlayground(play);
  showCommandOfPlayground(play);
}

/** Read the place under the pointer or the cross; `add` adds a point of one's own there. */
function readPlace(play, x, add) {
  if (x && add && play.tab.state.data === "own") {
    const { inputs, labels } = play.own;
    const rounded = x.map((value) => Number(value.toPrecision(3)));
    const added = { inputs: [...inputs, rounded], labels: [...labels, play.ownRow.chosen] };
    return changeOwnPoints(play, { ...play.own, ...added });
  }
  play.place.textContent = x ? placeInWords(play, x) : placeHint(play);
  if (x && play.plane.place) announce(play.place.textContent);
}

/** Return what to do in the picture, and what its star is. */
function placeHint({ tab, trainer: { data } }) {
  const click = tab.state.data === "own" ? "click to add a point" : "or click";
  const star = data.query ? ` The star is the student [${data.query.join(", ")}] of lecture 000.` : "";
  return `Point at a place of the picture, ${click}: its probabilities appear here.${star}`;
}

/** Return "At x1 = 0.5, x2 = -1: blue 0.97, orange 0.03." */
function placeInWords({ trainer: { network, data } }, x) {
  const { inputs } = standardizedPoints({ inputs: [x], labels: [0] }, data.scale, Float32Array);
  const values = runGraph(network.graph, network.parameters, { [network.graph.inputs[0]]: inputs });
  const chances = values.get("probabilities").data;
  const answers = data.classes.map((name, k) => `${name} ${chances[k].toFixed(2)}`).join(", ");
  const place = data.features.map((name, feature) => `${name} = ${x[feature].toFixed(2)}`).join(", ");
  return `At ${place}: probability of ${answers}.`;
}
