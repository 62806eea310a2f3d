/* Decision regions: what a network answers at each place of the plane, as soft colors.

Slides: lectures 000 and 003, linear against arbitrary boundaries; lecture 002, "capacity increases with hidden
units"; lecture 004, decision boundaries. The network is computed on a coarse grid, and the browser smooths it. */
"use strict";

const REGION_SIDE = 50; // places of the grid in each direction
const SOFT = 0.55; // strength of the colors under points
const FURTHER_CLASS_COLORS = ["#b0489a", "#8a6d3b"]; // of a fourth and a fifth class

/** Return [red, green, blue] of each class. */
const classColors = () => [...theme().classes, ...FURTHER_CLASS_COLORS].map(rgbOf);

/** Return the part of the plane to show, {left, right, bottom, top}: all points, and [-3, 3] at least for own ones. */
function viewOfPoints({ train, test }, own) {
  const inputs = [...train.inputs, ...test.inputs];
  const ranges = [0, 1].map((feature) => {
    const [low, high] = rangeOf(inputs.length ? inputs.map((x) => x[feature]) : [0]);
    if (own) return [Math.min(-3, 1.08 * low), Math.max(3, 1.08 * high)];
    const margin = 0.08 * (high - low || 1);
    return [low - margin, high + margin];
  });
  return { left: ranges[0][0], right: ranges[0][1], bottom: ranges[1][0], top: ranges[1][1] };
}

/** Return the standardized places of the grid (side * side, 2), row by row from the top. */
function regionGrid({ left, right, bottom, top }, { mean, std }, Type = Float32Array) {
  const grid = Tensor.zeros([REGION_SIDE * REGION_SIDE, 2], Type);
  for (let row = 0; row < REGION_SIDE; row++) {
    for (let column = 0; column < REGION_SIDE; column++) {
      const x1 = left + ((column + 0.5) / REGION_SIDE) * (right - left); // the middle of a cell
      const x2 = top - ((row + 0.5) / REGION_SIDE) * (top - bottom);
      const n = 2 * (row * REGION_SIDE + column);
      grid.data[n] = (x1 - mean[0]) / std[0];
      grid.data[n + 1] = (x2 - mean[1]) / std[1];
    }
  }
  return grid;
}

/** Return a small canvas for the colors of the grid. */
function regionCanvas() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = REGION_SIDE;
  canvas.pixels = new ImageData(REGION_SIDE, REGION_SIDE);
  return canvas;
}

/** Color each cell by its most probable class; at 1 / K, the network does not know, and the cell is pale. */
function paintClassRegions(canvas, { data, shape: [cells, K] }) {
  const colors = classColors();
  const zero = rgbOf(theme().middle);
  const pixels = canvas.pixels.data;
  for (let cell = 0; cell < cells; cell++) {
    let best = 0;
    for (let k = 1; k < K; k++) if (data[cell * K + k] > data[cell * K + best]) best = k;
    const strength = SOFT * ((data[cell * K + best] - 1 / K) / (1 - 1 / K));
    setPixel(pixels, cell, zero, colors[best], strength);
  }
  canvas.getContext("2d").putImageData(canvas.pixels, 0, 0);
}

/** Color each cell by one column of a tensor (cells, N): blue is positive, orange is negative, 0 is pale.
 *
 * strength: of the color of the largest number, at most 1.
 */
function paintUnitRegion(canvas, { data, shape: [cells, N] }, column, strength = 1) {
  let largest = 1e-12;
  for (let cell = 0; cell < cells; cell++) largest = Math.max(largest, Math.abs(data[cell * N + column]));
  const zero = rgbOf(theme().middle);
  const more = rgbOf(theme().positive);
  const less = rgbOf(theme().negative);
  for (let cell = 0; cell < cells; cell++) {
    const value = data[cell * N + column];
    setPixel(canvas.pixels.data, cell, zero, value < 0 ? less : more, (strength * Math.abs(value)) / largest);
  }
  canvas.getContext("2d").putImageData(canvas.pixels, 0, 0);
}

/** Color each cell by the probability of one class. */
function paintProbabilityRegion(canvas, { data, shape: [cells, K] }, label, strength = 1) {
  const zero = rgbOf(theme().middle);
  const color = classColors()[label];
  for (let cell = 0; cell < cells; cell++) {
    setPixel(canvas.pixels.data, cell, zero, color, strength * data[cell * K + label]);
  }
  canvas.getContext("2d").putImageData(canvas.pixels, 0, 0);
}

/** Set a pixel to the color between two colors. */
function setPixel(pixels, cell, from, to, strength) {
  const n = 4 * cell;
  pixels[n] = from[0] + strength * (to[0] - from[0]);
  pixels[n + 1] = from[1] + strength * (to[1] - from[1]);
  pixels[n + 2] = from[2] + strength * (to[2] - from[2]);
  pixels[n + 3] = 255;
}
