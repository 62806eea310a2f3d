/* Operations that move or add up numbers: reshape, permute, slice, cat, pad, sum, mean, embedding.
 *
 * They compute no new numbers, or only sums. So `forward` reads at some positions, and `backward` adds the
 * adjoints at the same positions.
 */
"use strict";

OPERATIONS.reshape = {
  /** settings.shape has -1 where the side follows from the others. */
  forward([x], { shape }) {
    const known = countNumbers(shape.filter((side) => side !== -1));
    return new Tensor(shape.map((side) => (side === -1 ? x.size / known : side)), x.data);
  },
  backward(delta, [x]) {
    return [new Tensor(x.shape, delta.data)];
  },
};

/** Return an operation that reads its one input at positions; `where(input shape, settings)` says which. */
function readingOperation(where) {
  return {
    forward([x], settings) {
      const { positions, shape } = where(x.shape, settings);
      return readAt(x, positions, shape);
    },
    backward(delta, [x], y, settings) {
      return [addAt(delta, where(x.shape, settings).positions, x.shape)];
    },
  };
}

/** Dimension d of the result is dimension dims[d] of the input: [1, 0] transposes a matrix. */
OPERATIONS.permute = readingOperation((from, { dims }) => {
  const order = dims.map((dim) => positiveDimension(dim, from));
  const shape = order.map((dim) => from[dim]);
  const strides = stridesOf(from);
  return { shape, positions: positionsOf(shape, order.map((dim) => strides[dim])) };
});

/** x[start:end:step] along one dimension, as in Python: negative bounds count from the end. */
OPERATIONS.slice = readingOperation((from, { dim, start, end, step }) => {
  const d = positiveDimension(dim, from);
  const inside = (bound) => Math.min(Math.max(bound < 0 ? bound + from[d] : bound, 0), from[d]);
  const shape = [...from];
  shape[d] = Math.max(0, Math.ceil((inside(end) - inside(start)) / step));
  const strides = stridesOf(from);
  const offset = inside(start) * strides[d];
  strides[d] *= step;
  return { shape, positions: positionsOf(shape, strides, offset) };
});

OPERATIONS.cat = {
  /** Put tensors one after the other along one dimension. */
  forward(parts, { dim }) {
    const d = positiveDimension(dim, parts[0].shape);
    const shape = [...parts[0].shape];
    shape[d] = parts.reduce((total, part) => total + part.shape[d], 0);
    const y = Tensor.zeros(shape, parts[0].Type);
    for (const { part, positions } of placesOfParts(parts, shape, d)) {
      for (let n = 0; n < part.size; n++) y.data[positions[n]] = part.data[n];
    }
    return y;
  },
  backward(delta, parts, y, { dim }) {
    const d = positiveDimension(dim, y.shape);
    return placesOfParts(parts, y.shape, d).map(({ part, positions }) => readAt(delta, positions, part.shape));
  },
};

/** Return for each part of a cat the positions of its numbers in the result. */
function placesOfParts(parts, shape, d) {
  const strides = stridesOf(shape);
  let start = 0;
  return parts.map((part) => {
    const positions = positionsOf(part.shape, strides, start * strides[d]);
    start += part.shape[d];
    return { part, positions };
  });
}

OPERATIONS.pad = {
  /** Put before[d] and after[d] numbers `value` around x in each dimension d. */
  forward([x], { before, after, value }) {
    const y = Tensor.zeros(x.shape.map((side, d) => before[d] + side + after[d]), x.Type);
    y.data.fill(value);
    const positions = placeInside(x.shape, y.shape, before);
    for (let n = 0; n < x.size; n++) y.data[positions[n]] = x.data[n];
    return y;
  },
  backward(delta, [x], y, { before }) {
    return [readAt(delta, placeInside(x.shape, y.shape, before), x.shape)];
  },
};

/** Return the positions of the numbers of a tensor in a larger one, where it begins at index `before`. */
function placeInside(inner, outer, before) {
  const strides = stridesOf(outer);
  return positionsOf(inner, strides, before.reduce((offset, index, d) => offset + index * strides[d], 0));
}

/** Return an operation that adds up over dimensions, and divides by divisor(how many numbers are in a sum). */
function summingOperation(divisor) {
  return {
    /** The dimensions `dims` of x disappear, or keep the side 1 if settings.keepdim. */
    forward([x], { dims, keepdim }) {
      const summed = dims.map((dim) => positiveDimension(dim, x.shape));
      const sums = sumToShape(x, shapeOfSums(x.shape, summed));
      const shape = keepdim ? sums.shape : sums.shape.filter((_, d) => !summed.includes(d));
      return new Tensor(shape, sums.data.map((sum) => sum / divisor(x.size / sums.size)));
    },
    // Each number of x moves its sum by 1 / divisor.
    backward(delta, [x], y, { dims }) {
      const summed = dims.map((dim) => positiveDimension(dim, x.shape));
      const each = delta.data.map((number) => number / divisor(x.size / y.size));
      return [broadcastTo(new Tensor(shapeOfSums(x.shape, summed), each), x.shape)];
    },
  };
}

/** Return a shape with a side of 1 in the dimensions that are summed. */
function shapeOfSums(shape, summed) {
  return shape.map((side, d) => (summed.includes(d) ? 1 : side));
}

OPERATIONS.sum = summingOperation(() => 1);
OPERATIONS.mean = summingOperation((count) => count);

OPERATIONS.embedding = {
  /** Return the rows of a table (V, E) that tokens (...) name: (..., E). */
  forward([table, tokens]) {
    const wrong = tokens.data.find((token) => !(Number.isInteger(token) && token >= 0 && token < table.shape[0]));
    if (wrong !== undefined) {
      throw new Error(`The token ${wrong} is outside of the alphabet: use 0 to ${table.shape[0] - 1}.`);
    }
    return readAt(table, rowPositions(table, tokens), [...tokens.shape, table.shape[1]]);
  },
  // A row that was read several times collects several adjoints; tokens are not numbers to differentiate by.
  backward(delta, [table, tokens]) {
    return [addAt(delta, rowPositions(table, tokens), table.shape), null];
  },
};

/** Return the positions of the numbers of all rows that `tokens` name. */
function rowPositions(table, tokens) {
  const width = table.shape[1];
  const positions = new Int32Array(tokens.size * width);
  for (let n = 0; n < positions.length; n++) {
    positions[n] = tokens.data[Math.floor(n / width)] * width + (n % width);
  }
  return positions;
}
