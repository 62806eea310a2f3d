/*
 * What both views draw with: the map from a window of the plane to a canvas, markers, arrows, and a point to move.
 */
"use strict";

/**
 * Return the map of `window` {x: [from, to], y: [from, to]} to `width` x `height` pixels:
 * {x(value), y(value)} -> pixels, back(px, py) -> [x, y], window: what is visible. With `equal`, one unit is as
 * long in x as in y, and the window grows in the other direction: then a gradient is at right angles to the lines.
 */
function plotScale(window, width, height, equal) {
  let [x0, x1, y0, y1] = [...window.x, ...window.y];
  if (equal) {
    const unit = Math.min(width / (x1 - x0), height / (y1 - y0));
    const [moreX, moreY] = [(width / unit - (x1 - x0)) / 2, (height / unit - (y1 - y0)) / 2];
    [x0, x1, y0, y1] = [x0 - moreX, x1 + moreX, y0 - moreY, y1 + moreY];
  }
  return {
    window: { x: [x0, x1], y: [y0, y1] },
    x: (value) => ((value - x0) / (x1 - x0)) * width,
    y: (value) => height - ((value - y0) / (y1 - y0)) * height,
    back: (px, py) => [x0 + (px / width) * (x1 - x0), y0 + ((height - py) / height) * (y1 - y0)],
  };
}

/** Draw one marker of `size` pixels. */
function drawMarker(context, shape, x, y, size, color, edge) {
  traceMarker(context, shape, x, y, size);
  Object.assign(context, { fillStyle: color, strokeStyle: edge, lineWidth: 1.5 });
  context.fill();
  context.stroke();
}

/** Draw an arrow from (x, y) by (dx, dy) pixels. */
function drawArrow(context, x, y, dx, dy, color) {
  const length = Math.hypot(dx, dy);
  const [ux, uy] = [dx / length, dy / length];
  const [tipX, tipY] = [x + dx, y + dy];
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = 3;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(tipX - 8 * ux, tipY - 8 * uy);
  context.stroke();
  context.beginPath();
  context.moveTo(tipX, tipY);
  context.lineTo(tipX - 12 * ux - 7 * uy, tipY - 12 * uy + 7 * ux);
  context.lineTo(tipX - 12 * ux + 7 * uy, tipY - 12 * uy - 7 * ux);
  context.fill();
}

/** Draw round numbers along the left and the lower border. */
function drawTicks(context, scale, width, height) {
  context.fillStyle = theme().soft;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  const text = (tick) => shortNumber(tick).replace("-", "−");
  context.textAlign = "center";
  for (const tick of roundTicks(...scale.window.x, width / 80)) {
    if (scale.x(tick) > 30 && scale.x(tick) < width - 15) context.fillText(text(tick), scale.x(tick), height - 5);
  }
  context.textAlign = "left";
  for (const tick of roundTicks(...scale.window.y, height / 60)) {
    if (scale.y(tick) > 15 && scale.y(tick) < height - 22) context.fillText(text(tick), 5, scale.y(tick) + 4);
  }
}

/**
 * Let a mouse, a pen or a finger move a point of `canvas`: `at()` -> [px, py] is where it is, `move(px, py)` moves it.
 * A mouse may press anywhere. A finger drags the point itself or taps elsewhere, so that a swipe still scrolls the page.
 */
function movablePoint(canvas, at, move) {
  canvas.style.touchAction = "pan-y pinch-zoom";
  const near = (event) => {
    const [x, y] = canvasPoint(canvas, event);
    return Math.hypot(x - at()[0], y - at()[1]) < 30;
  };
  let dragging = false;
  let tapped = null; // where a finger touched away from the point
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const place = canvasPoint(canvas, event);
    if (event.pointerType === "touch" && !near(event)) return (tapped = place);
    dragging = true;
    canvas.setPointerCapture(event.pointerId);
    move(...place);
  });
  canvas.addEventListener("pointermove", (event) => dragging && move(...canvasPoint(canvas, event)));
  canvas.addEventListener("pointerup", (event) => {
    const [x, y] = canvasPoint(canvas, event);
    if (tapped && Math.hypot(x - tapped[0], y - tapped[1]) < 10) move(x, y);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      dragging = false;
      tapped = null;
    });
  }
  canvas.addEventListener("touchstart", (event) => near(event.touches[0]) && event.preventDefault(), { passive: false });
}
