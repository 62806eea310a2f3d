/*
 * Contour lines of a function on a grid, by marching squares: in each cell a straight line joins the points of
 * the edges at which the function has the level. The levels are evenly spaced in the logarithm of the height
 * above the minimum, so that a steep valley and its flat floor both show lines, or evenly in the height.
 */
"use strict";

/** Return f on a grid of `columns` x `rows` points over window {x: [from, to], y: [from, to]}, row by row. */
function gridValues(f, window, columns, rows) {
  const values = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const y = window.y[0] + ((window.y[1] - window.y[0]) * row) / (rows - 1);
    for (let column = 0; column < columns; column++) {
      const x = window.x[0] + ((window.x[1] - window.x[0]) * column) / (columns - 1);
      values[row * columns + column] = f(x, y);
    }
  }
  return values;
}

/** Return `count` levels between `lowest` and `highest`, evenly spaced in log(level - lowest). */
function logLevels(lowest, highest, count) {
  const span = highest - lowest;
  const smallest = span * 1e-4;
  return Array.from({ length: count }, (_, k) => lowest + smallest * (span / smallest) ** ((k + 0.5) / count));
}

/** Return `count` levels between `lowest` and `highest` at equal distances. */
function evenLevels(lowest, highest, count) {
  return Array.from({ length: count }, (_, k) => lowest + ((highest - lowest) * (k + 0.5)) / count);
}

/** Return the segments [[x1, y1, x2, y2], ...] of one level, in grid units (column, row). */
function contourSegments(values, columns, rows, level) {
  const segments = [];
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const at = row * columns + column;
      // corners in a circle: (0, 0), (1, 0), (1, 1), (0, 1)
      const corners = [values[at], values[at + 1], values[at + columns + 1], values[at + columns]];
      const above = corners.map((value) => value >= level);
      const points = [];
      for (let k = 0; k < 4; k++) {
        const next = (k + 1) % 4;
        if (above[k] === above[next]) continue;
        const part = (level - corners[k]) / (corners[next] - corners[k]);
        const [x1, y1] = CELL_CORNERS[k];
        const [x2, y2] = CELL_CORNERS[next];
        points.push(column + x1 + part * (x2 - x1), row + y1 + part * (y2 - y1));
      }
      if (points.length === 4) segments.push(points);
      if (points.length === 8) {
        // a saddle inside the cell: the mean of the corners says which pair of edges belongs together
        const middle = (corners[0] + corners[1] + corners[2] + corners[3]) / 4 >= level;
        const [p, q, r, s] = [points.slice(0, 2), points.slice(2, 4), points.slice(4, 6), points.slice(6, 8)];
        const pairs = middle === above[0] ? [[p, q], [r, s]] : [[s, p], [q, r]];
        for (const [from, to] of pairs) segments.push([...from, ...to]);
      }
    }
  }
  return segments;
}

const CELL_CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];
