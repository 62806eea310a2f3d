"use strict";
// Canvases that stay sharp: the coordinates are those of the design, the pixels are those of the screen.
//
//   const canvas = makeCanvas({width: 280, height: 280, label: "The digit"});
//   canvas.onDraw((context, width, height) => ...)   draws now, and again after a change of size or theme
//   canvas.redraw()                                   draws again; canvas.context is the 2-D context
//   canvas.describe("a 7")                            the label for a screen reader: "The digit: a 7"
//   canvasPoint(canvas, event)                        [x, y] of a pointer event, in the coordinates of the design
//   colorMap("grey"|"signed"|"heat", low, high)       a function from a value to [red, green, blue]
//
// With `fluid`, the canvas fills its column up to `width`, and the coordinates are those of the size shown: text does not
// shrink (charts). With `interactive`, it takes the focus and keys; add the listeners yourself.

const allCanvases = () => [...document.querySelectorAll("canvas")].filter((canvas) => canvas.design);
const canvasObserver = new ResizeObserver((entries) => entries.forEach((entry) => fitCanvas(entry.target)));
addEventListener("resize", () => allCanvases().forEach(fitCanvas));
onTheme(() => allCanvases().forEach((canvas) => canvas.redraw()));

/** Return the CSS pixels of one unit of the design: 1 on most screens, more on 4k. */
const unitOfDesign = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

/** Return a canvas of width x height units. */
function makeCanvas({ width, height, label, fluid = false, interactive = false }) {
  const canvas = element("canvas", { role: interactive ? "application" : "img", "aria-label": label });
  if (interactive) canvas.tabIndex = 0;
  canvas.style.width = fluid ? "100%" : `${width / 16}rem`;
  if (fluid) Object.assign(canvas.style, { maxWidth: `${width / 16}rem`, height: `${height / 16}rem` });
  else Object.assign(canvas.style, { height: "auto", aspectRatio: `${width} / ${height}` });
  Object.assign(canvas, { context: canvas.getContext("2d"), design: { width, height, fluid }, draw: null });
  canvas.describe = (text) => canvas.setAttribute("aria-label", `${label}: ${text}`);
  canvas.redraw = () => {
    if (!canvas.draw) return;
    canvas.context.clearRect(0, 0, canvas.design.width, canvas.design.height);
    canvas.draw(canvas.context, canvas.design.width, canvas.design.height);
  };
  canvas.onDraw = (draw) => {
    canvas.draw = draw;
    canvas.redraw();
  };
  canvas.width = canvas.height = 0;
  fitCanvas(canvas);
  canvasObserver.observe(canvas);
  return canvas;
}

/** Give a canvas the pixels of the size that is shown; it is drawn again. */
function fitCanvas(canvas) {
  const { design, context } = canvas;
  const unit = unitOfDesign();
  const shown = canvas.clientWidth;
  if (design.fluid && shown) Object.assign(design, { width: shown / unit, height: canvas.clientHeight / unit });
  const scale = ((shown || design.width * unit) / design.width) * devicePixelRatio;
  const [width, height] = [Math.max(1, Math.round(design.width * scale)), Math.max(1, Math.round(design.height * scale))];
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  canvas.redraw();
}

/** Return [x, y] of a pointer event in the coordinates of the design. */
function canvasPoint(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const { width, height } = canvas.design;
  return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
}

/** Return [red, green, blue] of "#rrggbb". */
const rgbOf = (color) => [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));

/** Return the color between two colors; at = 0 is the first. */
const mixColors = (first, second, at) => first.map((value, i) => Math.round(value + (second[i] - value) * at));

const HEAT_COLORS = ["#000004", "#57106e", "#bc3754", "#f98e09", "#fcffa4"].map(rgbOf);

/** Return a function from a value to [red, green, blue]. Signed: orange is negative, blue is positive, 0 is the page's middle. */
function colorMap(map, low, high) {
  const span = high - low || 1;
  const part = (value) => Math.min(1, Math.max(0, (value - low) / span));
  if (map === "signed") {
    const { positive, negative, middle } = theme();
    const [more, less, zero] = [positive, negative, middle].map(rgbOf);
    const largest = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return (value) => mixColors(zero, value < 0 ? less : more, Math.min(1, Math.abs(value) / largest));
  }
  if (map === "heat") {
    return (value) => {
      const at = part(value) * (HEAT_COLORS.length - 1);
      const below = Math.min(Math.floor(at), HEAT_COLORS.length - 2);
      return mixColors(HEAT_COLORS[below], HEAT_COLORS[below + 1], at - below);
    };
  }
  return (value) => Array(3).fill(Math.round(255 * part(value)));
}

/** Return [smallest, largest] of numbers; NaN is passed over. */
function rangeOf(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of numbers) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}
