/* From scores to probabilities and losses: softmax, log_softmax, cross_entropy, mse.
 *
 * Slides: lecture 002, "Multi-class Classification"; lecture 004, multi-class classification.
 * With softmax and cross-entropy together, the error of a score is simple: dL/dz_k = o_k - t_k.
 */
"use strict";

/** Return how the numbers along one dimension lie in `data`: `outer` blocks of `length` numbers, `inner` apart. */
function blocksAlong(shape, dim) {
  const d = positiveDimension(dim, shape);
  return { outer: countNumbers(shape.slice(0, d)), length: shape[d], inner: countNumbers(shape.slice(d + 1)) };
}

/** Call visit(first, length, step) for each line of numbers along one dimension. */
function visitLines(shape, dim, visit) {
  const { outer, length, inner } = blocksAlong(shape, dim);
  for (let block = 0; block < outer; block++) {
    for (let n = 0; n < inner; n++) visit(block * length * inner + n, length, inner);
  }
}

/** Return log sum_k exp(z_k) of one line of numbers; the largest is subtracted first, so that exp stays finite. */
function logSumExp(data, first, length, step) {
  let largest = -Infinity;
  for (let k = 0; k < length; k++) largest = Math.max(largest, data[first + k * step]);
  let sum = 0;
  for (let k = 0; k < length; k++) sum += Math.exp(data[first + k * step] - largest);
  return largest + Math.log(sum);
}

OPERATIONS.softmax = {
  /** o_k = exp(z_k) / sum_j exp(z_j) along one dimension. */
  forward([z], { dim }) {
    const o = z.zerosLike();
    visitLines(z.shape, dim, (first, length, step) => {
      const total = logSumExp(z.data, first, length, step);
      for (let k = 0; k < length; k++) o.data[first + k * step] = Math.exp(z.data[first + k * step] - total);
    });
    return o;
  },
  // do_j/dz_k = o_j ([j = k] - o_k), so dL/dz_k = o_k (delta_k - sum_j delta_j o_j).
  backward(delta, [z], o, { dim }) {
    const deltaZ = z.zerosLike();
    visitLines(z.shape, dim, (first, length, step) => {
      let mean = 0;
      for (let k = 0; k < length; k++) mean += delta.data[first + k * step] * o.data[first + k * step];
      for (let k = 0; k < length; k++) {
        const n = first + k * step;
        deltaZ.data[n] = o.data[n] * (delta.data[n] - mean);
      }
    });
    return [deltaZ];
  },
};

OPERATIONS.log_softmax = {
  /** log o_k = z_k - log sum_j exp(z_j) along one dimension. */
  forward([z], { dim }) {
    const y = z.zerosLike();
    visitLines(z.shape, dim, (first, length, step) => {
      const total = logSumExp(z.data, first, length, step);
      for (let k = 0; k < length; k++) y.data[first + k * step] = z.data[first + k * step] - total;
    });
    return y;
  },
  // dy_j/dz_k = [j = k] - o_k, so dL/dz_k = delta_k - o_k sum_j delta_j, with o = exp(y).
  backward(delta, [z], y, { dim }) {
    const deltaZ = z.zerosLike();
    visitLines(z.shape, dim, (first, length, step) => {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += delta.data[first + k * step];
      for (let k = 0; k < length; k++) {
        const n = first + k * step;
        deltaZ.data[n] = delta.data[n] - Math.exp(y.data[n]) * sum;
      }
    });
    return [deltaZ];
  },
};

OPERATIONS.cross_entropy = {
  /** The mean of -log o_label over the batch, in nats; scores z (B, K) and labels (B) -> one number. */
  forward([z, labels]) {
    const [B, K] = z.shape;
    let sum = 0;
    for (let b = 0; b < B; b++) sum += logSumExp(z.data, b * K, K, 1) - z.data[b * K + labels.data[b]];
    return Tensor.of([], [sum / B], z.Type);
  },
  // dL/dz_k = (o_k - t_k) / B, with t_k = 1 for the label and 0 for the others.
  backward(delta, [z, labels]) {
    const [B, K] = z.shape;
    const deltaZ = z.zerosLike();
    for (let b = 0; b < B; b++) {
      const total = logSumExp(z.data, b * K, K, 1);
      for (let k = 0; k < K; k++) {
        const target = k === labels.data[b] ? 1 : 0;
        deltaZ.data[b * K + k] = (delta.data[0] * (Math.exp(z.data[b * K + k] - total) - target)) / B;
      }
    }
    return [deltaZ, null];
  },
};

OPERATIONS.mse = {
  /** The mean of (output - target)^2; two tensors of one shape -> one number. */
  forward([o, t]) {
    if (!sameShape(o.shape, t.shape)) throw new Error(`The loss compares (${o.shape}) with (${t.shape}).`);
    let sum = 0;
    for (let n = 0; n < o.size; n++) sum += (o.data[n] - t.data[n]) ** 2;
    return Tensor.of([], [sum / o.size], o.Type);
  },
  // dL/do_n = 2 (o_n - t_n) / N.
  backward(delta, [o, t]) {
    const deltaO = o.zerosLike();
    for (let n = 0; n < o.size; n++) deltaO.data[n] = (delta.data[0] * 2 * (o.data[n] - t.data[n])) / o.size;
    return [deltaO, null];
  },
};
