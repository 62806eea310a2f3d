/*
 * The view "Race": controls, the picture, the table and the loss curves of the six optimizers.
 */
"use strict";

/** Fill `box` with the race; return {setUp(), cancel()}. `setUp` builds the race that tab.state describes. */
function buildRaceView(box, tab) {
  let race = new Race(raceSetup(tab.state));
  let scale = null; // of the picture, see plotScale

  const canvas = makeCanvas({ width: 660, height: 440, fluid: true, interactive: true, label: "Surface, arrow keys move the start" });
  const chart = makeCanvas({ width: 660, height: 220, fluid: true, label: "Height above the minimum" });
  const formula = element("p", { class: "number" });
  const lesson = element("p");
  const limits = element("p", { class: "soft" });
  const count = element("p");
  const table = raceTable(tab, change);
  const play = playBar(tab, {
    speed: () => tab.state.speed,
    advance: (steps) => race.advance(steps),
    steps: () => race.steps,
    finished: () => race.finished(),
    draw,
    describe,
    setUp,
  });

  /** A control changed the race: walk the same number of steps with the new settings. */
  function change(values) {
    tab.remember({ steps: race.steps, ...values });
    setUp();
  }

  const surfaceChoice = choice({
    label: "Surface",
    options: Object.entries(SURFACES).map(([name, { title }]) => [name, title]),
    onchange: (surface) => change({ surface, steps: 0, start: [], rates: [], factor: 1 }),
  });
  const factorSlider = slider({
    label: "All rates times", min: 0.01, max: 100, log: true, value: 1, format: shortNumber,
    oninput: (factor) => change({ factor }),
  });
  const momentumSlider = slider({
    label: "Momentum γ", min: 0, max: 0.99, step: 0.01, value: 0.9,
    oninput: (momentum) => change({ momentum }),
  });
  const speed = choice({ label: "Steps a second", options: RACE_SPEEDS, onchange: (value) => tab.remember({ speed: value }) });
  const startFields = ["x", "y"].map((axis, k) =>
    numberField({
      label: `Start ${axis}`, min: -100, max: 100, value: 0,
      onchange: (value) => change({ start: race.start.map((old, i) => (i === k ? value : old)) }),
    }),
  );

  function setUp() {
    race = new Race(raceSetup(tab.state));
    race.advance(tab.state.steps);
    const { surface } = race;
    surfaceChoice.set(tab.state.surface);
    factorSlider.set(tab.state.factor);
    momentumSlider.set(tab.state.momentum);
    startFields.forEach((field, k) => field.set(Number(race.start[k].toPrecision(6))));
    speed.set(tab.state.speed);
    formula.textContent = surface.formula;
    lesson.textContent = surface.lesson;
    const curvature = steepestCurvature(surface);
    limits.textContent =
      `The largest curvature at the minimum is L = ${shortNumber(curvature)}: SGD settles there if its rate is below ` +
      `2 / L = ${shortNumber(2 / curvature)}, momentum if it is below 2 (1 + γ) / L = ` +
      `${shortNumber((2 * (1 + tab.state.momentum)) / curvature)}. Adadelta is meant to run at the rate 1.`;
    tab.command(...raceCommands(tab.state));
    table.setUp(race);
    canvas.redraw();
    drawNumbers();
    describe();
  }

  let layer = null; // contour lines and axes, on a canvas of their own: drawn again only when they change
  let layerOf = "";
  canvas.onDraw((context, width, height) => {
    scale = plotScale(race.surface.window, width, height, true);
    const key = JSON.stringify([race.surface.title, scale.window, theme().name, canvas.width]);
    if (key !== layerOf) [layerOf, layer] = [key, surfaceLayer(race.surface, scale, width, height, canvas.width / width)];
    context.drawImage(layer, 0, 0, width, height);
    drawPlaces(context, race, scale);
    for (const racer of race.racers) drawPath(context, racer, scale, width, height);
  });

  function draw() {
    canvas.redraw();
    drawNumbers();
  }

  function drawNumbers() {
    count.textContent = `Step ${race.steps}${race.steps === RACE_LIMIT ? ": the race ends here" : ""}`;
    table.update(race);
    lineChart(chart, { series: heightSeries(race), xLabel: "step", yLabel: "f − minimum (logarithmic)", log: true });
  }

  /** Return, and give to the canvases, the text alternative of the picture. */
  function describe() {
    const places = race.racers.map((racer) => {
      const [x, y] = racer.position.data;
      const where = racer.diverged === null ? `at (${shortNumber(x)}, ${shortNumber(y)}), f = ${shortNumber(racer.values.at(-1))}` : "diverged";
      return `${OPTIMIZERS[racer.name].title} ${where}`;
    });
    const text = `${race.surface.title} after ${race.steps} steps. ${places.join("; ")}.`;
    canvas.describe(text);
    chart.describe(`the curve of each optimizer over ${race.steps} steps; the table has the last values.`);
    return text;
  }

  const moveTo = (x, y) => {
    const { window } = scale;
    const inside = [x, y].map((value, k) => Math.max(window["xy"[k]][0], Math.min(window["xy"[k]][1], value)));
    change({ start: inside.map((value) => Number(value.toFixed(3))) });
  };
  movablePoint(canvas, () => [scale.x(race.start[0]), scale.y(race.start[1])], (px, py) => moveTo(...scale.back(px, py)));
  canvas.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    const unit = event.shiftKey ? 0.01 : 0.1;
    moveTo(race.start[0] + dx * unit, race.start[1] + dy * unit);
    announce(`Start at (${race.start.join(", ")})`);
  });

  const left = element("div", {}, controls(surfaceChoice), formula, canvas, element("p", { class: "soft" },
    "★ minimum, ○ other point with gradient zero. Click or drag to move the start; arrow keys move it by 0.1, with Shift by 0.01."),
    count, play.bar, controls(speed), chart, element("p", { class: "soft" }, "The colors are those of the table."));
  left.style.flex = "1 1 25rem";
  const right = element("div", {}, lesson, controls(startFields, factorSlider, momentumSlider), table.box, limits);
  right.style.flex = "1 1 25rem";
  box.append(columns(left, right), element("p", { class: "soft" },
    "SGD follows the exact gradient of the surface here, without the noise of mini-batches: it is the gradient descent of lectures 000 and 003. " +
    "The first command below compares the same optimizers on data, at their default rates: a rate that suits a surface says nothing about a network."));
  return { setUp, cancel: play.cancel };
}

/** Return the curves f - minimum of the race, at most 300 points each, and kept in [1e-8, 1e6]. */
function heightSeries(race) {
  const lowest = lowestValue(race.surface);
  const every = Math.ceil((race.steps + 1) / 300);
  return race.racers.map((racer) => {
    const last = racer.values.length - 1;
    const steps = racer.values.map((_, k) => k).filter((k) => k % every === 0 || k === last);
    const height = (k) => Math.min(1e6, Math.max(1e-8, racer.values[k] - lowest));
    return { values: steps.map((k) => [k, height(k)]), color: RACERS[racer.name][theme().name] };
  });
}

/** Return the commands that train the same comparison on data, and that draw or check what the slides say of this surface. */
function raceCommands({ racers, surface, momentum }) {
  const same = { bowl: "intro-dl lectures id=F9", minima: "intro-dl figures id=G5", plateau: "intro-dl figures id=G30" };
  const other = racers.includes("momentum") && momentum !== OPTIMIZERS.momentum.defaults.momentum;
  return [
    `intro-dl train ${racers.length > 1 ? "-m " : ""}model=lenet optim=${racers.join(",")}`,
    other ? `intro-dl train model=lenet optim=momentum optim.momentum=${momentum}` : null,
    same[surface],
  ];
}
