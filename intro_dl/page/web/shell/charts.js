"use strict";
// Curves on a canvas, markers, and bars of probabilities.
//
//   lineChart(canvas, {series: [{name, values, color}], xLabel, yLabel, log})   values: numbers, or [x, y] pairs
//   traceMarker(context, "square", x, y, size)   MARKER_SIGNS.square is the same shape in a text
//   const bars = probabilityBars({label}); bars.set([{name: "7", value: 0.98, marked: true}])

/** Return about `count` round numbers from low to high: 0, 0.2, 0.4, ... */
function roundTicks(low, high, count = 5) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

/** Return logarithms of round numbers between 10^low and 10^high: powers of ten, or 1, 2, 5, 10, ... */
function logTicks(low, high) {
  const every = Math.ceil((high - low) / 6);
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power++) {
    if (high - low < 1.5) ticks.push(power, power + Math.log10(2), power + Math.log10(5));
    else if (power % every === 0) ticks.push(power);
  }
  return ticks;
}

/** Return a short text of a number: 0.0312, 1200, 1e-7. */
function shortNumber(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "infinite" : "-infinite";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** Return "97.3 %" of 0.973. */
const percent = (fraction, digits = 1) => `${(100 * fraction).toFixed(digits)} %`;

/** Draw series as lines with axes; with `log`, the y axis has powers of ten, and values of 0 or less are left out. */
function lineChart(canvas, { series, xLabel = "", yLabel = "", log = false, low = null, high = null }) {
  canvas.onDraw((context, width, height) => {
    const colors = theme();
    const scaled = (y) => (log ? (y > 0 ? Math.log10(y) : NaN) : y);
    const lines = series.map(({ values, ...rest }) => ({ ...rest, points: Array.from(values, (v, i) => (Array.isArray(v) ? [v[0], scaled(v[1])] : [i, scaled(v)])) }));
    const finite = lines.flatMap((line) => line.points.filter(([, y]) => Number.isFinite(y)));
    const [x0, x1] = rangeOf(finite.map(([x]) => x));
    let [y0, y1] = rangeOf(finite.map(([, y]) => y));
    [y0, y1] = [low === null ? y0 : scaled(low), high === null ? y1 : scaled(high)];
    if (y1 - y0 < 1e-9) [y0, y1] = [y0 - 0.5, y1 + 0.5];
    const box = { left: 52, right: width - 16, top: 26, bottom: height - 40 };
    const toX = (x) => box.left + ((x - x0) / (x1 - x0 || 1)) * (box.right - box.left);
    const toY = (y) => box.bottom - ((y - y0) / (y1 - y0)) * (box.bottom - box.top);
    drawAxes(context, { box, toX, toY, ranges: [x0, x1, y0, y1], log, xLabel, yLabel, colors, empty: finite.length === 0 });
    lines.forEach((line, index) => drawLine(context, line, index, { count: lines.length, toX, toY, box, colors }));
  });
}

/** Draw the grid, the numbers and the names of the axes. */
function drawAxes(context, { box, toX, toY, ranges: [x0, x1, y0, y1], log, xLabel, yLabel, colors, empty }) {
  Object.assign(context, { font: "12px system-ui, sans-serif", lineWidth: 1, fillStyle: colors.soft, strokeStyle: colors.grid });
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const tick of log ? logTicks(y0, y1) : roundTicks(y0, y1, 4)) {
    if (tick < y0 || tick > y1) continue;
    context.strokeRect(box.left, toY(tick), box.right - box.left, 0);
    context.fillText(log ? shortNumber(10 ** tick) : shortNumber(tick), box.left - 6, toY(tick));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of empty ? [] : roundTicks(x0, x1, 5)) if (tick >= x0 && tick <= x1) context.fillText(shortNumber(tick), toX(tick), box.bottom + 5);
  context.fillText(xLabel, (box.left + box.right) / 2, box.bottom + 22);
  context.textAlign = "left";
  context.fillText(yLabel, 4, 6);
}

const LINE_DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]]; // lines differ without color too

/** Draw one series, and its name in the legend at the top right. */
function drawLine(context, { name, points, color }, index, { count, toX, toY, box, colors }) {
  Object.assign(context, { strokeStyle: color ?? colors.classes[index % 3], lineWidth: 2, lineJoin: "round" });
  context.setLineDash(LINE_DASHES[index % LINE_DASHES.length]);
  context.beginPath();
  let drawing = false;
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) drawing = false;
    else if (drawing) context.lineTo(toX(x), toY(y));
    else context.moveTo(toX(x), toY(y));
    drawing = Number.isFinite(y);
  }
  context.stroke();
  if (name) {
    const x = box.right - 90 * (count - index) + 4;
    context.strokeRect(x, 12, 22, 0);
    Object.assign(context, { fillStyle: colors.text, textAlign: "left", textBaseline: "middle" });
    context.fillText(name, x + 27, 12);
  }
  context.setLineDash([]);
}

/** The shapes of points, which differ without color, and the sign of each in a text. */
const MARKER_SIGNS = { circle: "●", square: "■", triangle: "▲", diamond: "◆", cross: "✚", down: "▼", star: "★" };
const MARKER_CORNERS = {
  square: [[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]],
  triangle: [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
  diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  cross: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
  down: [[0, 1.2], [1.1, -0.8], [-1.1, -0.8]],
  star: Array.from({ length: 10 }, (_, k) => [(k % 2 ? 0.6 : 1.5) * Math.sin((Math.PI * k) / 5), (k % 2 ? -0.6 : -1.5) * Math.cos((Math.PI * k) / 5)]),
};

/** Trace a shape around (x, y), to be filled or stroked. */
function traceMarker(context, shape, x, y, size) {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, size, 0, 2 * Math.PI);
  else for (const [right, down] of MARKER_CORNERS[shape]) context.lineTo(x + right * size, y + down * size);
  context.closePath();
}

/** Return a list of bars, one for each {name, value in [0, 1], marked}; `text` replaces the percent. */
function probabilityBars({ label }) {
  const made = element("div", { class: "bars", role: "list", "aria-label": label });
  made.set = (rows) => {
    while (made.children.length > rows.length) made.lastChild.remove();
    while (made.children.length < rows.length) {
      const track = element("span", { class: "track" }, element("span", { class: "fill" }));
      made.append(element("div", { role: "listitem" }, element("span", { class: "name" }), track, element("span", { class: "value" })));
    }
    rows.forEach(({ name, value, marked = false, text = percent(value) }, index) => {
      const [nameCell, track, valueCell] = made.children[index].children;
      made.children[index].classList.toggle("marked", marked);
      nameCell.textContent = name;
      track.firstChild.style.width = `${100 * Math.min(1, Math.max(0, value || 0))}%`;
      valueCell.textContent = text;
    });
  };
  return made;
}
