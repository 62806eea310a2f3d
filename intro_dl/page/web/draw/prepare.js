"use strict";
// Prepare a drawing as `intro-dl predict` does: intro_dl/inference/inputs.py in JavaScript, to the same pixels.
// The authors of MNIST fitted each digit into 20x20 pixels and moved its center of mass to the middle. A network that
// has seen only such digits fails on others, so a drawing gets the same treatment before the network reads it.

const INK_FRACTION = 0.2; // a pixel with more than this fraction of the strongest ink belongs to the drawing
const LEAST_CONTRAST = 8; // of 255; an image with less contrast is blank

/**
 * Return {pixels: Uint8Array (H*W), width, height, steps, blank, enlarged} of a grey image {data, width, height}.
 * `enlarged` is how many times larger the drawing is than in the whole sheet scaled down; undefined if it was not cut out.
 * `run` is one entry of the page: its in_shape, background and digit_box decide, as the metadata of a run do.
 */
function prepareDrawing(image, run) {
  const [, height, width] = run.in_shape;
  const steps = [];
  const rightSize = image.width === width && image.height === height;
  const box = rightSize ? null : run.digit_box;
  if (box) image = oneDrawing(image, steps);
  const light = medianOf(borderPixels(image)) >= 128;
  if (light !== (run.background === "light")) {
    image = { ...image, data: image.data.map((value) => 255 - value) };
    steps.push("inverted");
  }
  const blank = contrastOf(image.data) < LEAST_CONTRAST;
  if (blank) steps.push("blank");
  if (!rightSize) {
    const ground = roundHalfEven(medianOf(borderPixels(image)));
    image = box && !blank ? fitDrawing(image, width, height, box, steps) : padGrey(image, width, height, ground);
  }
  return { pixels: image.data, width, height, steps, blank, enlarged: image.enlarged };
}

const preparedDrawings = new WeakMap(); // image -> Map of what was prepared of it

/** Return what `prepareDrawing` returns; computed once for runs that prepare an image in the same way. */
function prepareOnce(image, run) {
  if (!preparedDrawings.has(image)) preparedDrawings.set(image, new Map());
  const known = preparedDrawings.get(image);
  const key = JSON.stringify([run.in_shape, run.background, run.digit_box]);
  if (!known.has(key)) known.set(key, prepareDrawing(image, run));
  return known.get(key);
}

/** Scale the longer side of what is drawn to `box` pixels, and move its center of mass to the middle of width x height. */
function fitDrawing(image, width, height, box, steps) {
  const border = medianOf(borderPixels(image));
  const ground = border >= 128 ? 255 : 0;
  const ink = new Float64Array(image.data.length);
  for (let pixel = 0; pixel < ink.length; pixel++) {
    ink[pixel] = Math.max(0, ground === 0 ? image.data[pixel] - border : border - image.data[pixel]);
  }
  const strongest = Math.max(rangeOf(ink)[1], 1);
  for (let pixel = 0; pixel < ink.length; pixel++) ink[pixel] /= strongest;
  const crop = boxOfInk(ink, image.width);
  const [cropWidth, cropHeight] = [crop.right - crop.left + 1, crop.bottom - crop.top + 1];
  const cropped = new Uint8Array(cropWidth * cropHeight);
  for (let y = 0; y < cropHeight; y++) {
    for (let x = 0; x < cropWidth; x++) {
      cropped[y * cropWidth + x] = roundHalfEven(255 * ink[(crop.top + y) * image.width + crop.left + x]);
    }
  }
  const scaled = (side) =>
    Math.max(1, roundHalfEven((side * Math.min(box, width, height)) / Math.max(cropWidth, cropHeight)));
  const [newWidth, newHeight] = [scaled(cropWidth), scaled(cropHeight)];
  const small = resizeGrey({ data: cropped, width: cropWidth, height: cropHeight }, newWidth, newHeight);
  const gain = 255 / Math.max(rangeOf(small.data)[1], 1); // scaling made thin lines faint
  const drawing = Float64Array.from(small.data, (value) => value * gain);
  const left = placeCenter(centerOfMass(drawing, newWidth, "x"), width, newWidth);
  const top = placeCenter(centerOfMass(drawing, newWidth, "y"), height, newHeight);
  const data = new Uint8Array(width * height).fill(ground);
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      data[(top + y) * width + left + x] = roundHalfEven(Math.abs(ground - drawing[y * newWidth + x]));
    }
  }
  steps.push(`scaled to ${newWidth}x${newHeight}`);
  const whole = Math.min(width / image.width, height / image.height);
  return { data, width, height, enlarged: Math.min(box, width, height) / Math.max(cropWidth, cropHeight) / whole };
}

/** Return the first and last row and column of `ink` (H*W, in [0, 1]) that belong to the drawing. */
function boxOfInk(ink, width) {
  const box = { left: width, right: -1, top: ink.length, bottom: -1 };
  for (let pixel = 0; pixel < ink.length; pixel++) {
    if (ink[pixel] <= INK_FRACTION) continue;
    const x = pixel % width;
    const y = (pixel - x) / width;
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

/** Return the center of mass of `values` (H*W) along "x" or "y", in pixels. */
function centerOfMass(values, width, axis) {
  let [mass, moment] = [0, 0];
  values.forEach((value, pixel) => {
    mass += value;
    moment += value * (axis === "x" ? pixel % width : Math.floor(pixel / width));
  });
  return moment / Math.max(mass, 1e-9);
}

/** Return where a drawing of `part` pixels starts in `whole` pixels, so that its center of mass is in the middle. */
function placeCenter(center, whole, part) {
  const start = Math.round(((whole - 1) / 2 - center) * 1e9) / 1e9; // so that a half is exactly a half
  return Math.min(whole - part, Math.max(0, roundHalfEven(start)));
}

/** Return the tensor (1, C, H, W) that the network reads of pixels (C, H, W) in 0..255: (pixel - mean) / std. */
function normalizePixels(pixels, run) {
  const [channels, height, width] = run.in_shape;
  const area = height * width;
  const values = Float32Array.from(pixels, (value, index) => {
    const channel = Math.floor(index / area);
    return (value - Math.fround(255 * Math.fround(run.mean[channel]))) / Math.fround(255 * Math.fround(run.std[channel]));
  });
  return Tensor.of([1, channels, height, width], values);
}
