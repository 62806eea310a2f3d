"use strict";
// Find the marks on a sheet of even paper, and keep the largest drawing: intro_dl/inference/light.py in JavaScript.
// The pen of the page stays away from the border, so the paper is always even: its code for shadows is left out.

const FEWEST_LEVELS = 32; // of grey: an image with at most this many is not searched for several drawings
const SMALLEST_SHEET = 64; // pixels of the shorter side; the same holds for a smaller one
const STRONG_INK = Math.fround(0.4); // of the strongest ink: a mark
const MARK_PART = 0.1; // a mark with this fraction of the ink of the largest is a part of it, or another drawing
const MARK_SPECK = 0.02; // a mark with less than this fraction of the ink is not the drawing

/** Return the pixels along the four sides of a grey image {data, width, height}; the corners twice. */
function borderPixels({ data, width, height }) {
  const border = [];
  for (let x = 0; x < width; x++) border.push(data[x], data[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) border.push(data[y * width], data[y * width + width - 1]);
  return border;
}

/** Return the median of numbers: of an even count, the mean of the two in the middle. */
function medianOf(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Return how many different values bytes have. */
function countLevels(data) {
  const seen = new Uint8Array(256);
  for (const value of data) seen[value] = 1;
  return seen.reduce((sum, one) => sum + one, 0);
}

/** Return the largest value minus the smallest. */
function contrastOf(data) {
  const [low, high] = rangeOf(data);
  return high - low;
}

/** Number the marks of `strong` (H*W booleans): pixels that touch, also at a corner, belong to one mark. */
function labelMarks(strong, width, height) {
  const labels = new Int32Array(width * height); // 0: paper
  const waiting = new Int32Array(width * height); // pixels of the mark whose neighbors are still to be seen
  let count = 0;
  for (let start = 0; start < labels.length; start++) {
    if (!strong[start] || labels[start]) continue;
    labels[start] = ++count;
    waiting[0] = start;
    for (let size = 1; size > 0; ) {
      const pixel = waiting[--size];
      const x = pixel % width;
      const y = (pixel - x) / width;
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
          const neighbor = row * width + column;
          if (!strong[neighbor] || labels[neighbor]) continue;
          labels[neighbor] = count;
          waiting[size++] = neighbor;
        }
      }
    }
  }
  return { labels, count };
}

/** Return {kept, count}: where the largest drawing in `ink` (H*W) is, as booleans, and how many drawings there are. */
function largestDrawing(ink, width, height) {
  const least = Math.fround(STRONG_INK * rangeOf(ink)[1]);
  const strong = new Uint8Array(ink.length);
  for (let pixel = 0; pixel < ink.length; pixel++) strong[pixel] = ink[pixel] > least ? 1 : 0;
  const { labels, count: marks } = labelMarks(strong, width, height);
  const sums = new Float64Array(marks + 1); // the ink of each mark
  const starts = new Int32Array(marks + 1).fill(width); // its first column, and the one after its last
  const ends = new Int32Array(marks + 1);
  for (let pixel = 0; pixel < ink.length; pixel++) {
    const label = labels[pixel];
    if (!label) continue;
    const x = pixel % width;
    sums[label] += ink[pixel];
    if (x < starts[label]) starts[label] = x;
    if (x >= ends[label]) ends[label] = x + 1;
  }
  let inside = sums.slice();
  for (const label of borderPixels({ data: labels, width, height })) inside[label] = 0;
  if (Math.max(...inside) < MARK_SPECK * Math.max(...sums)) inside = sums; // a drawing that reaches the border
  const largest = inside.indexOf(Math.max(...inside));
  const keep = new Uint8Array(marks + 1);
  keep[largest] = marks ? 1 : 0;
  let count = marks ? 1 : 0;
  for (let label = 1; label <= marks; label++) {
    if (label === largest || inside[label] <= MARK_PART * inside[largest]) continue;
    const shareColumns = starts[label] < ends[largest] && starts[largest] < ends[label];
    if (shareColumns) keep[label] = 1; // above or below, such as the bar of a 5
    else count += 1;
  }
  return { kept: labels.map((label) => keep[label]), count };
}

/** Return `kept` (H*W) grown by `times` pixels up, down, left and right. */
function growMarks(kept, width, height, times) {
  let grown = kept;
  for (let time = 0; time < times; time++) {
    const before = grown;
    grown = before.map((value, pixel) => {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      return (
        value ||
        (x > 0 && before[pixel - 1]) ||
        (x < width - 1 && before[pixel + 1]) ||
        (y > 0 && before[pixel - width]) ||
        (y < height - 1 && before[pixel + width])
      );
    });
  }
  return grown;
}

/** Return a grey image with one drawing on even paper, unchanged if it already is one; `steps` gets a word about it. */
function oneDrawing(image, steps) {
  const { data, width, height } = image;
  if (Math.min(width, height) < SMALLEST_SHEET || countLevels(data) <= FEWEST_LEVELS) return image;
  const paper = medianOf(borderPixels(image));
  const contrast = Math.max(contrastOf(data), 1);
  const sign = paper >= 128 ? -1 : 1; // dark ink on light paper, or light ink on dark
  const ink = new Float32Array(data.length);
  for (let pixel = 0; pixel < ink.length; pixel++) ink[pixel] = (sign * (data[pixel] - paper)) / contrast;
  const { kept, count } = largestDrawing(ink, width, height);
  if (count < 2) return image;
  steps.push(`${count} drawings, the largest is used`);
  const strongest = ink.reduce((most, value, pixel) => (kept[pixel] ? Math.max(most, value) : most), 0);
  const around = growMarks(kept, width, height, Math.max(1, Math.floor(Math.min(width, height) / 150)));
  const drawing = Uint8Array.from(ink, (value, pixel) => {
    if (!around[pixel]) return sign < 0 ? 255 : 0;
    const fraction = Math.min(1, Math.max(0, Math.fround(value / strongest)));
    const light = roundHalfEven(Math.fround(255 * fraction));
    return sign < 0 ? 255 - light : light;
  });
  return { data: drawing, width, height };
}
