/*
 * The buttons below each picture: start or pause, some steps at once, and restart.
 */
"use strict";

/**
 * Return {bar, cancel} of a view {speed(), advance(count), finished(), draw(), rest(), restart()}; `cancel` stops because
 * something else will be shown. `rest` is called whenever the picture comes to rest: it writes the address and tells a
 * screen reader. `speed()` is in steps a second.
 */
function playBar(tab, view) {
  let due = 0; // steps that time has earned and that are not yet taken
  const loop = animate(tab, (seconds) => {
    due += seconds * view.speed();
    const count = Math.floor(due);
    due -= count;
    if (count > 0) {
      view.advance(count);
      view.draw();
    }
    if (view.finished()) loop.stop();
  });
  const startOrPause = () => {
    if (loop.running) return loop.stop();
    if (view.finished()) view.restart();
    loop.start();
  };
  const startButton = button("Start", startOrPause, { class: "primary" });
  let canceled = false;
  loop.onChange((running) => {
    startButton.set(running ? "Pause" : "Start");
    if (!running && !canceled) view.rest();
  });
  const take = (count) => {
    loop.stop();
    view.advance(count);
    view.draw();
    view.rest();
  };
  const restart = () => {
    loop.stop();
    view.restart();
    view.rest();
  };
  const steps = [1, 10, 100].map((count) => button(count === 1 ? "1 step" : `${count} steps`, () => take(count)));
  return {
    bar: controls(startButton, steps, button("Restart", restart)),
    cancel: () => {
      canceled = true;
      loop.stop();
      canceled = false;
    },
  };
}
