/* The plane: decision regions, training points (filled), test points (rings), and a cross that reads a place.

The shape of a point tells its class without color: circle, square, triangle, diamond, cross. */
"use strict";

const PLANE = { width: 420, height: 420, left: 44, right: 410, top: 10, bottom: 376 };

/** Return the canvas of the plane. `onPlace(x, add)` is told the place [x1, x2] under the pointer or the cross. */
function makePlane({ onPlace }) {
  const label =
    "Decision regions with the points. Arrow keys move a cross that reads the probabilities, " +
    "Enter adds a point of your own";
  const canvas = makeCanvas({ width: PLANE.width, height: PLANE.height, label, interactive: true });
  canvas.style.touchAction = "pan-y"; // a finger that moves scrolls the page, one that taps adds a point
  const plane = { canvas, regions: regionCanvas(), view: null, data: null, place: null, painted: false, layer: null };
  const placeOf = (event) => {
    const [x, y] = canvasPoint(canvas, event);
    return x < PLANE.left || x > PLANE.right || y < PLANE.top || y > PLANE.bottom ? null : placeAt(plane.view, x, y);
  };
  canvas.addEventListener("pointermove", (event) => onPlace(placeOf(event), false));
  canvas.addEventListener("pointerleave", () => onPlace(null, false));
  canvas.addEventListener("click", (event) => placeOf(event) && onPlace(placeOf(event), true));
  canvas.addEventListener("blur", () => setPlace(plane, null));
  canvas.addEventListener("keydown", (event) => {
    const { left, right, bottom, top } = plane.view;
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const [x1, x2] = plane.place ?? [(left + right) / 2, (bottom + top) / 2];
    if (!way && event.key !== "Enter") return;
    event.preventDefault();
    const step = event.shiftKey ? 0.1 : 0.02;
    const moved = way ? [x1 + way[0] * step * (right - left), x2 + way[1] * step * (top - bottom)] : [x1, x2];
    setPlace(plane, [Math.min(right, Math.max(left, moved[0])), Math.min(top, Math.max(bottom, moved[1]))]);
    onPlace(plane.place, event.key === "Enter");
  });
  canvas.onDraw((context) => drawPlane(context, plane));
  onTheme(() => (plane.layer = null));
  return plane;
}

/** Move the cross of the keyboard; null hides it. */
function setPlace(plane, place) {
  plane.place = place;
  plane.canvas.redraw();
}

/** Show other points: the view follows them. */
function setPlanePoints(plane, data, own) {
  Object.assign(plane, { data, view: viewOfPoints(data, own), layer: null });
}

const planeX = ({ left, right }, x1) => PLANE.left + ((x1 - left) / (right - left)) * (PLANE.right - PLANE.left);
const planeY = ({ bottom, top }, x2) => PLANE.bottom - ((x2 - bottom) / (top - bottom)) * (PLANE.bottom - PLANE.top);

/** Return the place [x1, x2] at a position of the canvas. */
function placeAt({ left, right, bottom, top }, x, y) {
  const across = (x - PLANE.left) / (PLANE.right - PLANE.left);
  const up = (PLANE.bottom - y) / (PLANE.bottom - PLANE.top);
  return [left + across * (right - left), bottom + up * (top - bottom)];
}

/** Draw regions, axes, points and the cross. */
function drawPlane(context, plane) {
  if (!plane.view) return;
  const { left, top, right, bottom } = PLANE;
  context.imageSmoothingEnabled = true;
  if (plane.painted) context.drawImage(plane.regions, left, top, right - left, bottom - top);
  const scale = context.getTransform().a; // pixels of the screen in a unit of the design
  if (plane.layer?.width !== Math.round(PLANE.width * scale)) plane.layer = pointsLayer(plane, scale);
  context.drawImage(plane.layer, 0, 0, PLANE.width, PLANE.height);
  if (!plane.place) return;
  const [x, y] = [planeX(plane.view, plane.place[0]), planeY(plane.view, plane.place[1])];
  Object.assign(context, { strokeStyle: theme().text, lineWidth: 1.5 });
  context.strokeRect(x, top, 0, bottom - top);
  context.strokeRect(left, y, right - left, 0);
}

/** Return axes and points on a canvas of their own: they are drawn again only when they change. */
function pointsLayer({ view, data }, scale) {
  const layer = document.createElement("canvas");
  layer.width = Math.round(PLANE.width * scale);
  layer.height = Math.round(PLANE.height * scale);
  const context = layer.getContext("2d");
  context.scale(scale, scale);
  const colors = theme();
  Object.assign(context, {
    font: "12px system-ui, sans-serif",
    fillStyle: colors.soft,
    strokeStyle: colors.edge ?? colors.soft,
    textAlign: "center",
  });
  context.strokeRect(PLANE.left, PLANE.top, PLANE.right - PLANE.left, PLANE.bottom - PLANE.top);
  for (const tick of roundTicks(view.left, view.right, 5))
    context.fillText(shortNumber(tick), planeX(view, tick), PLANE.bottom + 16);
  context.fillText(data.features[0], (PLANE.left + PLANE.right) / 2, PLANE.bottom + 34);
  context.textAlign = "right";
  for (const tick of roundTicks(view.bottom, view.top, 5))
    context.fillText(shortNumber(tick), PLANE.left - 5, planeY(view, tick) + 4);
  context.save();
  context.translate(11, (PLANE.top + PLANE.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(data.features[1], 0, 0);
  context.restore();
  drawPoints(context, view, data.test, true);
  drawPoints(context, view, data.train, false);
  if (data.query) drawQuery(context, view, data.query);
  return layer;
}

/** Draw a star with its numbers: the point that the slide asks about. */
function drawQuery(context, view, [x1, x2]) {
  const { text, middle } = theme();
  Object.assign(context, { strokeStyle: middle, fillStyle: text, lineWidth: 5, lineJoin: "round", textBaseline: "middle" });
  const words = [["★", "bold 26px", 0], [`[${x1}, ${x2}]`, "bold 14px", 32]];
  for (const [word, font, right] of words) {
    Object.assign(context, { font: `${font} system-ui, sans-serif`, textAlign: "center" });
    context.strokeText(word, planeX(view, x1) + right, planeY(view, x2));
    context.fillText(word, planeX(view, x1) + right, planeY(view, x2));
  }
}

/** Draw points, filled or as rings; the fewer, the larger. */
function drawPoints(context, view, { inputs, labels }, ring) {
  const colors = [...theme().classes, ...FURTHER_CLASS_COLORS];
  const radius = inputs.length > 150 ? 3 : inputs.length > 60 ? 4.5 : 6;
  inputs.forEach(([x1, x2], i) => {
    traceMarker(context, POINT_SHAPES[labels[i]], planeX(view, x1), planeY(view, x2), ring ? radius + 0.5 : radius);
    Object.assign(context, {
      fillStyle: ring ? theme().middle : colors[labels[i]],
      strokeStyle: ring ? colors[labels[i]] : theme().middle,
      lineWidth: ring ? 1.8 : 0.8,
    });
    context.fill();
    context.stroke();
  });
}
