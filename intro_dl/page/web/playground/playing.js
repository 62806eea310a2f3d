/* What happens in a frame of the playground: some steps of training, then the pictures and numbers. */
"use strict";

/** Train for a frame, and show the result as often as the time allows. */
function playgroundFrame(play) {
  if (cannotTrain(play)) return play.loop.stop();
  const start = performance.now();
  for (let n = 0; n < play.tab.state.speed && performance.now() - start < FRAME_BUDGET; n++) {
    play.trainer.step();
    if (play.trainer.diverged) break;
  }
  play.frames += 1;
  if (play.trainer.diverged) return play.loop.stop();
  if (reducedMotion.matches) {
    if (play.frames % STILL_FRAMES === 0) showPlayground(play);
  } else if (--play.wait <= 0) {
    const before = performance.now();
    const parts = [paintPlane, showMeasures, paintUnits, showMeasures]; // one of them a frame
    parts[play.turn++ % parts.length](play);
    play.wait = Math.ceil((performance.now() - before) / PAINT_BUDGET);
  }
}

/** Take some steps at once, and show the result. */
function trainSteps(play, count) {
  play.loop.stop();
  if (cannotTrain(play)) return;
  for (let n = 0; n < count && !play.trainer.diverged; n++) {
    play.trainer.step();
    if (count > 100 && n % 10 === 0) {
      play.trainer.measure();
      play.trainer.record();
    }
  }
  restAfterTraining(play);
}

/** Show why a training cannot start or continue, or does badly; return whether it cannot. */
function cannotTrain(play) {
  const points = play.tab.state.data === "own" ? whyPointsCannotTrain(play.trainer.data) : null;
  const reason = points ?? play.trainer.problem;
  const sentence = reason || play.trainer.note;
  if (play.problem.firstChild?.firstChild?.textContent !== sentence) {
    const isRate = sentence.includes(OVERSHOOTS);
    const link = element("a", { href: "#optimizers?view=ball&steps=30" }, "One ball, three rates");
    const reference = isRate ? [" See ", link, " in the tab Optimizers."] : [];
    play.problem.replaceChildren(element("p", {}, sentence, reference));
  }
  play.problem.hidden = !sentence;
  return reason !== "";
}

/** After a pause: show everything, say it, and keep the number of steps in the address if a restart repeats them. */
function restAfterTraining(play) {
  if (play.tab.state.data === "run") return;
  showPlayground(play);
  cannotTrain(play);
  const { steps } = play.trainer;
  const repeatable = !play.changed && !play.trainer.diverged && steps <= MOST_STEPS_IN_ADDRESS;
  play.tab.remember({ steps: repeatable ? steps : 0 });
  showCommandOfPlayground(play);
  announce(play.trainer.problem || measuresInWords(play.trainer));
}

/** Show picture, drawing, numbers and curves. */
function showPlayground(play) {
  paintPlane(play);
  paintUnits(play);
  showMeasures(play);
}

/** Paint the regions in the large picture. */
function paintPlane(play) {
  const { graph, parameters } = play.trainer.network;
  play.values = runGraph(graph, parameters, { [graph.inputs[0]]: play.grid });
  paintUnitInPlane(play, play.unit);
}

/** Paint the regions of all units, as they were in the last large picture. */
function paintUnits(play) {
  updateNetworkView(play.network, play.values);
}

/** Paint the region of one unit in the large picture, or null: those of the classes. */
function paintUnitInPlane(play, unit) {
  play.unit = unit;
  const { layers, sizes, input } = play.network;
  const { regions } = play.plane;
  const chances = play.values.get("probabilities");
  let shown = "Shown is the most probable class: pale where the network is unsure.";
  if (unit === null) {
    paintClassRegions(regions, chances);
  } else if (unit.column === sizes.length - 1) {
    paintProbabilityRegion(regions, chances, unit.row, SOFT);
    shown = `Shown is the probability of ${play.network.names.classes[unit.row]} alone.`;
  } else {
    const values = play.values.get(unit.column > 0 ? layers[unit.column - 1].units : input);
    paintUnitRegion(regions, values, unit.row, SOFT);
    shown = `Shown is ${unitName(play.network, unit.column, unit.row)} alone: blue is positive, orange is negative.`;
  }
  play.plane.painted = true;
  play.plane.canvas.redraw();
  const points = play.tab.state.data === "run" ? "Rings are test points." : "Filled points train, rings test.";
  play.shows.textContent = `${shown} ${points}`;
}

/** Return the table of loss and accuracy. */
function makeMeasuresTable() {
  const cell = () => element("td", { class: "number" }, "-");
  const caption = element("caption", { class: "for-screen-readers" }, "Loss and accuracy");
  const heads = ["Points", "Loss", "Accuracy"].map((name) => element("th", { scope: "col" }, name));
  const made = element("table", {}, caption, element("thead", {}, element("tr", {}, heads)));
  made.cells = {};
  const body = element("tbody");
  for (const split of ["train", "test"]) {
    made.cells[split] = [cell(), cell()];
    body.append(element("tr", {}, element("th", { scope: "row" }, split), made.cells[split]));
  }
  made.append(body);
  return made;
}

/** Measure, and show the numbers and the curves. */
function showMeasures(play) {
  play.trainer.measure();
  play.trainer.record();
  const { measures, histories, steps, epochs } = play.trainer;
  for (const [split, [loss, accuracy]] of Object.entries(play.table.cells)) {
    loss.textContent = measures[split] ? shortNumber(Number(measures[split].loss.toPrecision(3))) : "-";
    accuracy.textContent = Number.isFinite(measures[split]?.loss) ? percent(measures[split].accuracy) : "-";
  }
  play.progress.textContent = steps === null ? "" : `Step ${steps}, epoch ${epochs}`;
  const colors = theme();
  const series = [
    { name: "train", values: histories.train, color: colors.text },
    { name: "test", values: histories.test, color: colors.accent },
  ];
  lineChart(play.chart, {
    series: series.filter(({ values }) => values.length),
    xLabel: "step",
    yLabel: "loss",
    log: play.tab.state.log,
    low: play.tab.state.log ? null : 0,
  });
  const now = performance.now();
  if (now - play.saidAt < 2000 && play.loop.running) return; // a screen reader hears of it every 2 seconds at most
  play.saidAt = now;
  play.plane.canvas.describe(measuresInWords(play.trainer));
  if (play.loop.running) announce(measuresInWords(play.trainer));
}

/** Return "step 120: loss 0.31 on the training points, accuracy 92.0 %; ..." */
function measuresInWords({ steps, measures }) {
  const parts = Object.entries(measures).filter(([, measure]) => measure);
  const words = parts.map(
    ([split, { loss, accuracy }]) =>
      `${split} loss ${shortNumber(Number(loss.toPrecision(3)))}, ${split} accuracy ${percent(accuracy)}`,
  );
  return `${steps === null ? "" : `step ${steps}: `}${words.join("; ")}`;
}

/** Show the command line that trains what is shown, for as many epochs; for an untrained network, 20. */
function showCommandOfPlayground({ tab, trainer, own }) {
  if (tab.state.data === "run") return; // the control of the run shows its command
  if (tab.state.data === "own" && !fileCanTrain(own)) tab.command();
  else tab.command(commandOfPlayground(tab.state, trainer.epochs || 20));
}

/** Space trains and pauses; 1, 2, 3 choose the class of the next point. */
function playgroundKey(play, event) {
  const used = event.target.closest?.("button, a, input, select, textarea, [role='tab']");
  if (!play.tab.visible || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && !used && play.tab.state.data !== "run") {
    event.preventDefault();
    if (play.loop.running) play.loop.stop();
    else play.loop.start();
  }
  const typing = event.target.closest?.("input, select, textarea");
  const isClass = /^[1-5]$/.test(event.key) && !typing && play.tab.state.data === "own";
  if (isClass) play.ownRow.choose(Number(event.key) - 1);
}
