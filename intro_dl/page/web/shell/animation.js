"use strict";
// A loop of frames that the reader starts and stops.
//
//   const loop = animate(tab, (seconds) => ...)    seconds since the last frame, at most 0.1
//   loop.start(), loop.stop(), loop.step(), loop.running, loop.onChange(f)
//   animationButtons(loop, {start: "Train", stop: "Pause", step: "Step", onStep})   onStep instead of one frame
//
// No loop starts by itself. It stops when the tab is left, and when a frame throws.
// reducedMotion.matches: whether the reader prefers less motion.

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Return a loop that calls `frame` before each repaint while it runs. */
function animate(tab, frame) {
  let request = 0;
  let before = 0;
  const listeners = [];
  const tell = () => listeners.forEach((call) => call(loop.running));
  const next = (now) => {
    const seconds = Math.min(0.1, Math.max(0, (now - before) / 1000));
    before = now;
    request = requestAnimationFrame(next);
    try {
      frame(seconds);
    } catch (error) {
      loop.stop();
      throw error;
    }
  };
  const loop = {
    get running() {
      return request !== 0;
    },
    start() {
      if (request) return;
      before = performance.now();
      request = requestAnimationFrame(next);
      tell();
    },
    stop() {
      if (!request) return;
      cancelAnimationFrame(request);
      request = 0;
      tell();
    },
    step() {
      loop.stop();
      frame(1 / 60);
    },
    onChange(call) {
      listeners.push(call);
    },
  };
  tab.onHide(() => loop.stop());
  return loop;
}

/** Return the buttons of a loop: one starts and pauses, one makes a single step. */
function animationButtons(loop, { start, stop, step, onStep = () => loop.step() }) {
  const play = button(start, () => (loop.running ? loop.stop() : loop.start()), { class: "primary" });
  loop.onChange((running) => play.set(running ? stop : start));
  return controls(play, button(step, onStep));
}
