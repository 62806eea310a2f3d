"use strict";
// Strokes of a pen on a square sheet: lists of points [x, y] in whole pixels, painted and written into the address.

const SHEET_SIZE = 280; // pixels of the sheet, on every screen: the network must not depend on the screen
const PEN_WIDTHS = [8, 50]; // pixels, the thinnest and the thickest
const USUAL_HEIGHT = 200; // pixels of a digit on the sheet, as people draw it
const LEAST_MOVE = 3; // pixels; closer points are left out, so that a drawing is short enough for a link
const LONGEST_DRAWING = 1500; // characters in the address

/** Return a point in whole pixels, at least `margin` pixels inside the sheet. */
function pointOnSheet([x, y], margin = 0) {
  const inside = (value) => Math.round(Math.min(SHEET_SIZE - margin, Math.max(margin, value)));
  return [inside(x), inside(y)];
}

/**
 * Return the width of the pen, so that a digit of the usual height has lines as thick as the test images of a run: a
 * network fails on lines that are thinner than all that it has seen. The thickness of a line is its area over its length,
 * and its length is half of its outline.
 */
function penOfRun(run) {
  const [, height, width] = run.in_shape;
  const sign = run.background === "light" ? -1 : 1;
  let [area, outline] = [0, 0];
  for (const example of examplesOf(run)) {
    const pixels = pixelsOfExample(example);
    const inked = (x, y) => x >= 0 && y >= 0 && x < width && y < height && sign * (pixels[y * width + x] - 127.5) > 0;
    for (let y = 0; y <= height; y++) {
      for (let x = 0; x <= width; x++) {
        area += inked(x, y) ? 1 : 0;
        outline += (inked(x, y) !== inked(x - 1, y)) + (inked(x, y) !== inked(x, y - 1));
      }
    }
  }
  const thickness = area / ((outline * Math.PI) / 4 / 2) || 2.3; // stairs of pixels are longer than the line: by 4 / pi
  return between(Math.round((thickness * USUAL_HEIGHT) / (run.digit_box ?? height)), ...PEN_WIDTHS, 22);
}

/** Add a point to a stroke if it is far enough from the last one; return whether it was added. */
function extendStroke(stroke, point, least = LEAST_MOVE) {
  const [x, y] = pointOnSheet(point);
  const last = stroke.at(-1);
  if (last && Math.hypot(x - last[0], y - last[1]) < least) return false;
  stroke.push([x, y]);
  return true;
}

/**
 * Paint strokes black on white: smooth curves through the middles between the points, with round ends. They stay off the
 * border, because `predict` takes the color of the paper from there.
 */
function paintStrokes(context, strokes, pen) {
  Object.assign(context, { fillStyle: "#fff", strokeStyle: "#000", lineWidth: pen, lineCap: "round", lineJoin: "round" });
  context.fillRect(0, 0, SHEET_SIZE, SHEET_SIZE);
  for (const stroke of strokes) {
    const points = stroke.map((point) => pointOnSheet(point, pen / 2 + 3));
    context.beginPath();
    context.moveTo(...points[0]);
    for (let k = 1; k < points.length - 1; k++) {
      const [[x, y], [nextX, nextY]] = [points[k], points[k + 1]];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...points.at(-1));
    context.stroke();
    if (points.every((point) => String(point) === String(points[0]))) paintDot(context, points[0], pen);
  }
}

/** Paint what a tap leaves: browsers differ in whether a line of length 0 has round ends. */
function paintDot(context, [x, y], pen) {
  context.fillStyle = "#000";
  context.beginPath();
  context.arc(x, y, pen / 2, 0, 2 * Math.PI);
  context.fill();
}

/** Return the grey image {data, width, height} of what is painted; red, green and blue are equal. */
function greyOfCanvas(context) {
  const { data, width, height } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  const grey = new Uint8Array(width * height);
  for (let pixel = 0; pixel < grey.length; pixel++) grey[pixel] = data[4 * pixel];
  return { data: grey, width, height };
}

/** Return strokes as a text: two characters of base 36 for each x and y, and a dot between two strokes. */
function strokesToText(strokes) {
  const digits = (value) => value.toString(36).padStart(2, "0");
  return strokes.map((points) => points.map(([x, y]) => digits(x) + digits(y)).join("")).join(".");
}

/** Return the strokes of a text, or null if it is not a drawing. */
function strokesOfText(text) {
  if (text === "") return [];
  if (text.length > LONGEST_DRAWING || !/^([0-9a-z]{4})+(\.([0-9a-z]{4})+)*$/.test(text)) return null;
  return text.split(".").map((part) =>
    part.match(/.{4}/g).map((four) => pointOnSheet([parseInt(four.slice(0, 2), 36), parseInt(four.slice(2), 36)])),
  );
}
