/*
 * The view "One ball, three rates": controls, the picture, a sentence on each ball, and the losses over the steps.
 */
"use strict";

const BALL_NAMES = ["First", "Second", "Third"];

/** Fill `box` with the balls; return {setUp(), cancel()}. `setUp` builds what tab.state describes. */
function buildBallView(box, tab) {
  let trial = new BallTrial(ballSetup(tab.state));
  let scale = null;

  const canvas = makeCanvas({ width: 660, height: 400, fluid: true, interactive: true, label: "Loss of one weight, arrow keys move the start" });
  const chart = makeCanvas({ width: 660, height: 220, fluid: true, label: "Height above the minimum" });
  const formula = element("p", { class: "number" });
  const limit = element("p");
  const count = element("p");
  const play = playBar(tab, {
    speed: () => BALL_SPEED,
    advance: (steps) => trial.advance(steps),
    steps: () => trial.steps,
    finished: () => trial.finished(),
    draw,
    describe,
    setUp,
  });

  /** A control changed something: take the same number of steps with the new settings. */
  function change(values) {
    tab.remember({ steps: trial.steps, ...values });
    setUp();
  }

  const lossChoice = choice({
    label: "Loss",
    options: Object.entries(BALL_LOSSES).map(([name, { title }]) => [name, title]),
    onchange: (loss) => change({ loss, steps: 0, w: [], etas: [] }),
  });
  const curvatureSlider = slider({
    label: "Curvature f″", min: 0.25, max: 2, step: 0.25, value: 1,
    oninput: (curvature) => change({ curvature, etas: trial.balls.map((ball) => ball.rate) }),
  });
  const startField = numberField({ label: "Start w", value: 0, onchange: (w) => moveTo(w) });
  const balls = BALL_NAMES.map((name, k) => {
    const rate = numberField({
      label: `${name} rate η`, min: 0.001, max: 20, value: 0.1,
      onchange: (value) => change({ etas: trial.balls.map((ball, i) => (i === k ? value : ball.rate)) }),
    });
    const mark = element("span", { "aria-hidden": "true" }, `${MARKER_SIGNS[BALL_LOOKS[k].marker]} `);
    const paint = () => (mark.style.color = BALL_LOOKS[k][theme().name]);
    paint();
    onTheme(paint);
    const sentence = element("span");
    const beside = element("p", {}, mark, sentence);
    beside.style.flex = "1 1 15rem";
    return { rate, sentence, element: controls(rate, beside) };
  });

  function setUp() {
    trial = new BallTrial(ballSetup(tab.state));
    trial.advance(tab.state.steps);
    const quadratic = tab.state.loss === "quadratic";
    lossChoice.set(tab.state.loss);
    curvatureSlider.set(tab.state.curvature);
    curvatureSlider.hidden = !quadratic;
    startField.set(trial.balls[0].path[0]);
    balls.forEach(({ rate }, k) => rate.set(trial.balls[k].rate));
    formula.textContent = trial.loss.formula;
    limit.textContent = quadratic
      ? `On a quadratic each step multiplies w by 1 − η f″, so gradient descent converges if η is below 2 / f″ = ${shortNumber(rateLimit(tab.state.curvature))}.`
      : "A small rate stops in the nearest minimum, a large one leaves; a rate between them may jump over the local minimum and find the global one.";
    tab.command(...ballCommands(tab.state.loss));
    draw();
    describe();
  }

  canvas.onDraw((context, width, height) => {
    scale = plotScale(trial.loss.window, width, height, false);
    drawTicks(context, scale, width, height);
    drawBallLoss(context, trial, scale);
    trial.balls.forEach((ball, k) => drawBall(context, ball, BALL_LOOKS[k], scale, width, height));
  });

  function draw() {
    canvas.redraw();
    count.textContent = `Step ${trial.steps}${trial.steps === BALL_LIMIT ? ": the balls stop here" : ""}`;
    balls.forEach(({ sentence }, k) => (sentence.textContent = ballSentence(trial.balls[k])));
    const lowest = Math.min(...trial.loss.minima.map((w) => trial.balls[0].height(w)));
    const series = trial.balls.map((ball, k) => ({
      values: ball.path.map((w) => Math.min(1e6, Math.max(1e-8, ball.height(w) - lowest))),
      color: BALL_LOOKS[k][theme().name],
    }));
    lineChart(chart, { series, xLabel: "step", yLabel: "f − minimum (logarithmic)", log: true });
  }

  /** Return, and give to the canvases, the text alternative of the picture. */
  function describe() {
    const texts = trial.balls.map((ball) => `rate ${shortNumber(ball.rate)}: ${ball.diverged === null ? `w = ${shortNumber(ball.w)}` : "diverged"}`);
    const text = `${trial.loss.title} after ${trial.steps} steps. ${texts.join("; ")}.`;
    canvas.describe(text);
    chart.describe(`one curve for each rate over ${trial.steps} steps.`);
    return text;
  }

  /** Start at w, or as near to it as the picture shows. */
  function moveTo(w) {
    const [low, high] = trial.loss.starts;
    change({ w: [Number(Math.max(low, Math.min(high, w)).toFixed(3))] });
  }
  movablePoint(
    canvas,
    () => [scale.x(trial.balls[0].path[0]), scale.y(trial.balls[0].height(trial.balls[0].path[0]))],
    (px, py) => moveTo(scale.back(px, py)[0]),
  );
  canvas.addEventListener("keydown", (event) => {
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!side) return;
    event.preventDefault();
    moveTo(trial.balls[0].path[0] + side * (event.shiftKey ? 0.01 : 0.1));
    announce(`Start at w = ${trial.balls[0].path[0]}`);
  });

  const left = element("div", {}, controls(lossChoice, curvatureSlider), formula, canvas,
    element("p", { class: "soft" }, "★ global minimum, ○ local minimum. Click or drag to move the start; the arrow keys left and right move it by 0.1, with Shift by 0.01."),
    count, play.bar, chart);
  left.style.flex = "1 1 25rem";
  const right = element("div", {}, limit, controls(startField), balls.map((ball) => ball.element));
  right.style.flex = "1 1 25rem";
  box.append(columns(left, right), element("p", { class: "soft" },
    "Figure G29 and the training below show the same of a network: its loss at a low, a good, a high and a very high rate."));
  return { setUp, cancel: play.cancel };
}

/** Return the commands that draw the same balls (figure G7), and the loss of a training at four rates (figure G29). */
function ballCommands(loss) {
  return [
    loss === "slide" ? "intro-dl figures id=G7" : null,
    "intro-dl figures id=G29",
    "intro-dl train -m model=softmax data=digits optim=sgd optim.lr=0.0003,0.01,0.1,1",
  ];
}
