/*
 * The tab Optimizers: six optimizers race on a surface, and one ball at three learning rates.
 *
 * Lecture 002, "Ways to Use Weight Derivatives", "Learning Rates" and "Add Momentum"; lectures 000 and 003, "Setting the
 * Learning Rate" and "Adaptive Learning Rate". race.js and ball.js compute; raceview.js and ballview.js show.
 */
"use strict";

addTab({
  name: "optimizers",
  title: "Optimizers",
  sentence:
    "Press Start: six optimizers walk downhill from the same point. Then change a rate or drag the start, and every path is computed again.",
  tries: [
    ["A rate above 2 / L diverges", { racers: ["sgd", "momentum"], rates: [0.21, 0.02, 0.5, 1, 0.05, 0.1], steps: 12 }],
    ["SGD bounces between the walls, momentum settles", { racers: ["sgd", "momentum"], rates: [0.2, 0.2, 0.5, 1, 0.05, 0.1], momentum: 0.5, steps: 30 }],
    ["Adagrad slows down", { racers: ["adagrad", "adam"], rates: [0.1, 0.02, 0.1, 1, 0.05, 0.1], steps: 100 }],
    ["A saddle that nobody leaves", { surface: "saddle", start: [-2, 0], steps: 1000 }],
    ["One ball, three rates", { view: "ball", steps: 30 }],
    ["Just below and above 2 / f″", { view: "ball", loss: "quadratic", etas: [1, 1.95, 2.05], steps: 20 }],
  ],
  defaults: OPTIMIZERS_DEFAULTS,
  check: checkOptimizersState,
  build(panel, tab) {
    const boxes = { race: element("div"), ball: element("div") };
    const views = { race: buildRaceView(boxes.race, tab), ball: buildBallView(boxes.ball, tab) };
    const titles = { race: "Race on a surface", ball: "One ball, three rates" };
    const buttons = Object.entries(titles).map(([view, title]) =>
      button(title, () => {
        for (const each of Object.values(views)) each.cancel();
        tab.remember({ view, steps: 0 });
        show();
      }),
    );
    function show() {
      Object.keys(views).forEach((view, k) => {
        const chosen = view === tab.state.view;
        boxes[view].hidden = !chosen;
        buttons[k].setAttribute("aria-pressed", String(chosen));
        buttons[k].classList.toggle("primary", chosen);
      });
      views[tab.state.view].setUp();
    }
    panel.append(controls(buttons), boxes.race, boxes.ball);
    show();
    tab.onState(() => {
      for (const view of Object.values(views)) view.cancel();
      show();
    });
  },
});
