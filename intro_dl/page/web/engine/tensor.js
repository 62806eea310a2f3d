/* Tensors: a shape, and the numbers row by row in one typed array.
 *
 * Slide: lecture 004, "Organize as a computational Graph": every value of the graph, and every gradient, is one.
 * Float32Array, about 7 digits, is enough to use and to train a network; Float64Array has 16 for comparisons.
 *
 *   const x = Tensor.of([2, 3], [1, 2, 3, 4, 5, 6]);  // 2 rows, 3 columns
 *   x.data[1 * 3 + 2]                                 // row 1, column 2: 6
 */
"use strict";

class Tensor {
  /** Wrap numbers (a typed array) without a copy. */
  constructor(shape, data) {
    if (data.length !== countNumbers(shape)) {
      throw new Error(`A tensor of shape (${shape}) has ${countNumbers(shape)} numbers, but got ${data.length}.`);
    }
    this.shape = shape;
    this.data = data;
  }

  /** The number of numbers. */
  get size() {
    return this.data.length;
  }

  /** Float32Array or Float64Array. */
  get Type() {
    return this.data.constructor;
  }

  /** Return a tensor of zeros. */
  static zeros(shape, Type = Float32Array) {
    return new Tensor(shape, new Type(countNumbers(shape)));
  }

  /** Return a tensor with a copy of `numbers`, a flat list. */
  static of(shape, numbers, Type = Float32Array) {
    return new Tensor(shape, Type.from(numbers));
  }

  /** Return zeros of the same shape and type. */
  zerosLike() {
    return Tensor.zeros(this.shape, this.Type);
  }

  /** Return a copy with numbers of another type. */
  to(Type) {
    return Tensor.of(this.shape, this.data, Type);
  }
}

/** Return how many numbers a tensor of `shape` has; 1 for [], a single number. */
function countNumbers(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** Return how far apart in `data` two neighbors along each dimension are: (2, 3, 4) -> [12, 4, 1]. */
function stridesOf(shape) {
  const strides = new Array(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

/** Return a dimension that may count from the end, -1 for the last one, as 0, 1, 2, ... */
function positiveDimension(dim, shape) {
  const positive = dim < 0 ? dim + shape.length : dim;
  if (!(positive >= 0 && positive < shape.length)) {
    throw new Error(`A tensor of shape (${shape}) has no dimension ${dim}.`);
  }
  return positive;
}

/** Return the position offset + sum_d index_d * strides_d of every index into `shape`, row by row.
 *
 * Slices, transposes and broadcasts are all read from their input in this way, with other strides:
 * a transpose swaps two of them, a slice multiplies one by its step, and a broadcast sets one to 0.
 */
function positionsOf(shape, strides, offset = 0) {
  const positions = new Int32Array(countNumbers(shape));
  const index = new Array(shape.length).fill(0);
  let position = offset;
  for (let n = 0; n < positions.length; n++) {
    positions[n] = position;
    for (let d = shape.length - 1; d >= 0; d--) { // count on, like an odometer: the last dimension turns first
      index[d]++;
      position += strides[d];
      if (index[d] < shape[d]) break;
      position -= index[d] * strides[d];
      index[d] = 0;
    }
  }
  return positions;
}

/** Return a tensor of `shape` whose n-th number is x.data[positions[n]]. */
function readAt(x, positions, shape) {
  const y = Tensor.zeros(shape, x.Type);
  for (let n = 0; n < positions.length; n++) y.data[n] = x.data[positions[n]];
  return y;
}

/** Return a tensor of `shape`; its number at positions[n] is the sum of all x.data[n] with that position.
 *
 * This is `readAt` in reverse: a number that was read several times collects several adjoints.
 */
function addAt(x, positions, shape) {
  const sums = new Float64Array(countNumbers(shape)); // as sums of many Float32 numbers would lose digits
  for (let n = 0; n < positions.length; n++) sums[positions[n]] += x.data[n];
  return new Tensor(shape, x.Type === Float64Array ? sums : x.Type.from(sums));
}

/** Tell whether two shapes are equal. */
function sameShape(a, b) {
  return a.length === b.length && a.every((side, d) => side === b[d]);
}

/** Return the shape of a + b: aligned at the right, and a side of 1 is repeated. */
function broadcastShape(a, b) {
  const result = [];
  for (let d = 1; d <= Math.max(a.length, b.length); d++) {
    const [m, n] = [a.at(-d) ?? 1, b.at(-d) ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new Error(`The shapes (${a}) and (${b}) do not fit.`);
    result.unshift(m === 1 ? n : m);
  }
  return result;
}

/** Return for each number of a tensor of shape `wide` the position in `narrow`, from which it is repeated. */
function repeatPositions(narrow, wide) {
  const aligned = [...new Array(wide.length - narrow.length).fill(1), ...narrow];
  const strides = stridesOf(aligned).map((stride, d) => (aligned[d] === 1 ? 0 : stride));
  return positionsOf(wide, strides);
}

/** Repeat the numbers of x until it has `shape`. */
function broadcastTo(x, shape) {
  return sameShape(x.shape, shape) ? x : readAt(x, repeatPositions(x.shape, shape), shape);
}

/** Add up what `broadcastTo` repeated: its reverse. */
function sumToShape(x, shape) {
  return sameShape(x.shape, shape) ? x : addAt(x, repeatPositions(shape, x.shape), shape);
}
