/*
 * The picture of the race: contour lines of the surface, its minima, and the path of each optimizer.
 */
"use strict";

const CONTOUR_GRID = { columns: 141, rows: 101 };
const CONTOUR_LEVELS = 16;

/** Return the contour lines of `surface` over `window` as segments per level, the lowest level first. */
function surfaceContours(surface, window) {
  const { columns, rows } = CONTOUR_GRID;
  const values = gridValues(surface.f, window, columns, rows);
  const highest = values.reduce((a, b) => Math.max(a, b));
  const levels = surface.evenLevels ? evenLevels : logLevels;
  return levels(lowestValue(surface), highest, CONTOUR_LEVELS).map((level) => ({
    level,
    segments: contourSegments(values, columns, rows, level),
  }));
}

/** Draw the contour lines: the lower the level, the darker the line. */
function drawContours(context, contours, scale) {
  const { columns, rows } = CONTOUR_GRID;
  const { x: [x0, x1], y: [y0, y1] } = scale.window;
  const place = (column, row) => [
    scale.x(x0 + ((x1 - x0) * column) / (columns - 1)),
    scale.y(y0 + ((y1 - y0) * row) / (rows - 1)),
  ];
  context.lineWidth = 1;
  context.strokeStyle = theme().text;
  contours.forEach(({ segments }, k) => {
    context.globalAlpha = 0.65 - (0.42 * k) / contours.length;
    context.beginPath();
    for (const [c1, r1, c2, r2] of segments) {
      context.moveTo(...place(c1, r1));
      context.lineTo(...place(c2, r2));
    }
    context.stroke();
  });
  context.globalAlpha = 1;
}

/** Return contour lines and axes on a canvas with `sharpness` pixels a unit. */
function surfaceLayer(surface, scale, width, height, sharpness) {
  const layer = document.createElement("canvas");
  Object.assign(layer, { width: width * sharpness, height: height * sharpness });
  const context = layer.getContext("2d");
  context.scale(sharpness, sharpness);
  drawContours(context, surfaceContours(surface, scale.window), scale);
  drawTicks(context, scale, width, height);
  return layer;
}

/** Draw the path of one racer up to now, and its marker; an arrow at the border if it has left the picture. */
function drawPath(context, racer, scale, width, height) {
  const look = RACERS[racer.name];
  const color = look[theme().name];
  const { path } = racer;
  const steps = path.length / 2 - 1;
  const pixel = (k) => [scale.x(path[2 * k]), scale.y(path[2 * k + 1])];
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  let [lastX, lastY] = pixel(0);
  context.moveTo(lastX, lastY);
  const corners = [];
  for (let k = 1; k <= steps; k++) {
    const [x, y] = pixel(k).map((value) => Math.max(-1e4, Math.min(1e4, value))); // NaN and far points: 1e4 is outside
    if (Number.isNaN(x) || Number.isNaN(y)) break;
    if (k < steps && Math.hypot(x - lastX, y - lastY) < 0.5) continue;
    context.lineTo(x, y);
    if (Math.hypot(x - lastX, y - lastY) > 9) corners.push([x, y]);
    [lastX, lastY] = [x, y];
  }
  context.stroke();
  for (const [x, y] of corners) drawMarker(context, look.marker, x, y, 2.2, color, color);
  const inside = lastX >= 0 && lastX <= width && lastY >= 0 && lastY <= height;
  if (inside) drawMarker(context, look.marker, lastX, lastY, 6, color, theme().back);
  else {
    const [x, y] = [Math.max(34, Math.min(width - 34, lastX)), Math.max(34, Math.min(height - 34, lastY))];
    const [dx, dy] = [lastX - x, lastY - y];
    const length = Math.hypot(dx, dy);
    drawArrow(context, x, y, (28 * dx) / length, (28 * dy) / length, color);
    drawMarker(context, look.marker, x, y, 6, color, theme().back);
  }
}

/** Draw a star at each global minimum, a ring at other points with gradient 0, and the start. */
function drawPlaces(context, race, scale) {
  for (const [x, y] of race.surface.minima) drawMarker(context, "star", scale.x(x), scale.y(y), 8, theme().text, theme().back);
  context.font = "13px system-ui, sans-serif";
  for (const [x, y] of race.surface.others) {
    context.strokeStyle = theme().text;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(scale.x(x), scale.y(y), 6, 0, 2 * Math.PI);
    context.stroke();
  }
  const [x, y] = race.start;
  context.fillStyle = theme().text;
  const right = scale.x(x) > scale.x(scale.window.x[1]) - 60;
  context.textAlign = right ? "right" : "left";
  context.fillText("start", scale.x(x) + (right ? -12 : 12), scale.y(y) - 10);
  context.lineWidth = 2;
  context.strokeStyle = theme().text;
  context.beginPath();
  context.arc(scale.x(x), scale.y(y), 9, 0, 2 * Math.PI);
  context.stroke();
}
