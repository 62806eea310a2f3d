"use strict";
// Scale a grey image as Pillow does, to the same pixels: its BILINEAR resize, and ImageOps.pad.
// Pillow computes in integers: each weight is multiplied by 2^22 and rounded, so that the result is the same
// on every machine. When an image gets smaller, the triangle grows with the scale, so that no pixel is skipped.

const WEIGHT_BITS = 22; // Pillow: PRECISION_BITS = 32 - 8 - 2

/** Round to the nearest integer, and a half to the even one, as Python's `round` and numpy's `rint`. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Return for each of `newSize` pixels its first source pixel and the integer weights of the pixels from there. */
function bilinearWeights(oldSize, newSize) {
  const scale = oldSize / newSize;
  const support = Math.max(scale, 1); // half the width of the triangle, in source pixels
  return Array.from({ length: newSize }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(oldSize, Math.trunc(center + support + 0.5));
    const weights = [];
    for (let source = first; source < end; source++) {
      weights.push(Math.max(0, 1 - Math.abs((source - center + 0.5) * (1 / support))));
    }
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => Math.trunc(0.5 + (weight / total) * 2 ** WEIGHT_BITS)) };
  });
}

/**
 * Return a grey image {data: Uint8Array (H*W), width, height} scaled to width x height: first the rows, then the columns.
 * Pillow 13 begins with the columns if they shrink by more than twice as many pixels; earlier versions never do.
 */
function resizeGrey(image, width, height) {
  const fewerRows = image.height - height;
  const rowsFirst = !(fewerRows > 0 && fewerRows > 2 * (image.width - width));
  if (rowsFirst) return resizeColumns(resizeRows(image, width), height);
  return resizeRows(resizeColumns(image, height), width);
}

/** Return a grey image with `newWidth` pixels in each row. */
function resizeRows({ data, width, height }, newWidth) {
  if (newWidth === width) return { data, width, height };
  const result = new Uint8Array(newWidth * height);
  bilinearWeights(width, newWidth).forEach(({ first, weights }, x) => {
    for (let y = 0; y < height; y++) {
      let sum = 2 ** (WEIGHT_BITS - 1); // a half, to round
      for (let k = 0; k < weights.length; k++) sum += weights[k] * data[y * width + first + k];
      result[y * newWidth + x] = Math.min(255, sum >> WEIGHT_BITS);
    }
  });
  return { data: result, width: newWidth, height };
}

/** Return a grey image with `newHeight` pixels in each column. */
function resizeColumns({ data, width, height }, newHeight) {
  if (newHeight === height) return { data, width, height };
  const result = new Uint8Array(width * newHeight);
  bilinearWeights(height, newHeight).forEach(({ first, weights }, y) => {
    for (let x = 0; x < width; x++) {
      let sum = 2 ** (WEIGHT_BITS - 1);
      for (let k = 0; k < weights.length; k++) sum += weights[k] * data[(first + k) * width + x];
      result[y * width + x] = Math.min(255, sum >> WEIGHT_BITS);
    }
  });
  return { data: result, width, height: newHeight };
}

/** Return a grey image scaled to fit into width x height, in the middle of an even `color`. */
function padGrey(image, width, height, color) {
  const ratio = image.width / image.height;
  let [fitWidth, fitHeight] = [width, height];
  if (ratio > width / height) fitHeight = roundHalfEven((image.height / image.width) * width);
  else if (ratio < width / height) fitWidth = roundHalfEven((image.width / image.height) * height);
  const fitted = resizeGrey(image, fitWidth, fitHeight);
  const left = roundHalfEven((width - fitWidth) * 0.5);
  const top = roundHalfEven((height - fitHeight) * 0.5);
  const data = new Uint8Array(width * height).fill(color);
  for (let y = 0; y < fitHeight; y++) {
    data.set(fitted.data.subarray(y * fitWidth, (y + 1) * fitWidth), (top + y) * width + left);
  }
  return { data, width, height };
}
