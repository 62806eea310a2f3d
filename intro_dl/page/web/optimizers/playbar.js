/*
 * The buttons below each picture: start or pause, some steps at once, and restart.
 */
"use strict";

/**
 * Return {bar, cancel} of a view {speed(), advance(count), steps(), finished(), draw(), describe(), setUp()}; `cancel` stops
 * because something else will be shown. `speed()` is in steps a second, `describe()` returns the picture in words, and
 * `setUp()` builds what tab.state describes.
 */
function playBar(tab, view) {
  /** The picture has come to rest: write the address, and tell a screen reader. */
  const rest = () => {
    tab.remember({ steps: view.steps() });
    const text = view.describe();
    if (tab.visible) announce(text);
  };
  const beginAgain = () => {
    tab.remember({ steps: 0 });
    view.setUp();
  };
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
    if (view.finished()) beginAgain();
    loop.start();
  };
  const startButton = button("Start", startOrPause, { class: "primary" });
  let canceled = false;
  loop.onChange((running) => {
    startButton.set(running ? "Pause" : "Start");
    if (!running && !canceled) rest();
  });
  const take = (count) => {
    loop.stop();
    view.advance(count);
    view.draw();
    rest();
  };
  const restart = () => {
    loop.stop();
    beginAgain();
    rest();
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
