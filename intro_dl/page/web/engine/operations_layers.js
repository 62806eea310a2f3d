/* Layers with weights: linear, matmul and batch_norm. Convolutions and pooling are in convolution.js.
 *
 * Slides: lecture 002, backward pass; lecture 004, "Backward step (b-prop)":
 *   dL/dphi^a = sum_j  dphi_j^(a+1) / dphi^a  *  dL/dphi_j^(a+1).
 * In a linear layer y_m = b_m + sum_n w_mn x_n the errors go back through the same weights:
 *   dL/dx_n = sum_m delta_m w_mn,   dL/dw_mn = delta_m x_n,   dL/db_m = delta_m,   with delta_m = dL/dy_m,
 * and those of the weights are summed over the examples of the batch.
 */
"use strict";

OPERATIONS.linear = {
  /** x (..., N), weight (M, N), and maybe bias (M) -> (..., M). */
  forward([x, weight, bias]) {
    const [M, N] = weight.shape;
    if (x.shape.at(-1) !== N) throw new Error(`A linear layer of ${N} inputs got a tensor (${x.shape}).`);
    const y = Tensor.zeros([...x.shape.slice(0, -1), M], x.Type);
    const [input, w, output] = [x.data, weight.data, y.data];
    for (let row = 0; row < x.size / N; row++) {
      for (let m = 0; m < M; m++) {
        let sum = bias ? bias.data[m] : 0;
        for (let n = 0; n < N; n++) sum += w[m * N + n] * input[row * N + n];
        output[row * M + m] = sum;
      }
    }
    return y;
  },
  backward(delta, [x, weight, bias]) {
    const [M, N] = weight.shape;
    const [deltaX, deltaWeight, deltaBias] = [x.zerosLike(), weight.zerosLike(), Tensor.zeros([M], x.Type)];
    const [input, w, inputErrors, weightErrors] = [x.data, weight.data, deltaX.data, deltaWeight.data];
    for (let row = 0; row < x.size / N; row++) {
      for (let m = 0; m < M; m++) {
        const error = delta.data[row * M + m];
        for (let n = 0; n < N; n++) {
          inputErrors[row * N + n] += error * w[m * N + n];
          weightErrors[m * N + n] += error * input[row * N + n];
        }
        deltaBias.data[m] += error;
      }
    }
    return bias ? [deltaX, deltaWeight, deltaBias] : [deltaX, deltaWeight];
  },
};

OPERATIONS.matmul = {
  /** Multiply the matrices in the last two dimensions, a (..., M, N) and b (..., N, K) -> (..., M, K).
   *
   * A vector a is one row, a vector b is one column. The dimensions before the last two are repeated as in `add`.
   */
  forward([a, b]) {
    const { A, B, batch, M, N, K, shape } = alignMatrices(a, b);
    const y = Tensor.zeros(shape, a.Type);
    for (let i = 0; i < batch; i++) {
      multiplyMatrices(A.data, i * M * N, N, 1, B.data, i * N * K, K, 1, y.data, i * M * K, M, N, K);
    }
    return y;
  },
  // dL/da = delta b^T and dL/db = a^T delta.
  backward(delta, [a, b]) {
    const { A, B, batch, M, N, K } = alignMatrices(a, b);
    const [deltaA, deltaB] = [A.zerosLike(), B.zerosLike()];
    for (let i = 0; i < batch; i++) {
      multiplyMatrices(delta.data, i * M * K, K, 1, B.data, i * N * K, 1, K, deltaA.data, i * M * N, M, K, N);
      multiplyMatrices(A.data, i * M * N, 1, N, delta.data, i * M * K, K, 1, deltaB.data, i * N * K, N, M, K);
    }
    const shapeOfA = a.shape.length > 1 ? a.shape : [1, N];
    const shapeOfB = b.shape.length > 1 ? b.shape : [N, 1];
    return [
      new Tensor(a.shape, sumToShape(deltaA, shapeOfA).data),
      new Tensor(b.shape, sumToShape(deltaB, shapeOfB).data),
    ];
  },
};

/** Return both operands of a product as equally many matrices, their sizes, and the shape of the result. */
function alignMatrices(a, b) {
  const left = a.shape.length > 1 ? a.shape : [1, ...a.shape];
  const right = b.shape.length > 1 ? b.shape : [...b.shape, 1];
  const [M, N, K] = [left.at(-2), left.at(-1), right.at(-1)];
  if (right.at(-2) !== N) throw new Error(`The product of tensors (${a.shape}) and (${b.shape}) does not fit.`);
  const outer = broadcastShape(left.slice(0, -2), right.slice(0, -2));
  const A = broadcastTo(new Tensor(left, a.data), [...outer, M, N]);
  const B = broadcastTo(new Tensor(right, b.data), [...outer, N, K]);
  const shape = [...outer, ...(a.shape.length > 1 ? [M] : []), ...(b.shape.length > 1 ? [K] : [])];
  return { A, B, batch: countNumbers(outer), M, N, K, shape };
}

/** y (M, K) = a (M, N) b (N, K); each matrix begins at its offset, and its strides say how it is stored. */
function multiplyMatrices(a, offsetA, rowA, columnA, b, offsetB, rowB, columnB, y, offsetY, M, N, K) {
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let n = 0; n < N; n++) sum += a[offsetA + m * rowA + n * columnA] * b[offsetB + n * rowB + k * columnB];
      y[offsetY + m * K + k] = sum;
    }
  }
}

OPERATIONS.batch_norm = {
  /** y = weight (x - mean) / sqrt(variance + eps) + bias, each for one channel; x is (B, C, ...).
   *
   * After training, mean and variance are the running ones that the run has saved, so y is linear in x.
   */
  forward([x, weight, bias, mean, variance], { eps }) {
    const y = x.zerosLike();
    const [channels, area] = [x.shape[1], countNumbers(x.shape.slice(2))];
    for (let n = 0; n < x.size; n++) {
      const c = Math.floor(n / area) % channels;
      y.data[n] = (weight.data[c] * (x.data[n] - mean.data[c])) / Math.sqrt(variance.data[c] + eps) + bias.data[c];
    }
    return y;
  },
  backward(delta, [x, weight, bias, mean, variance], y, { eps }) {
    const [deltaX, deltaWeight, deltaBias] = [x.zerosLike(), weight.zerosLike(), bias.zerosLike()];
    const [channels, area] = [x.shape[1], countNumbers(x.shape.slice(2))];
    for (let n = 0; n < x.size; n++) {
      const c = Math.floor(n / area) % channels;
      const deviation = Math.sqrt(variance.data[c] + eps);
      deltaX.data[n] = (delta.data[n] * weight.data[c]) / deviation;
      deltaWeight.data[c] += (delta.data[n] * (x.data[n] - mean.data[c])) / deviation;
      deltaBias.data[c] += delta.data[n];
    }
    return [deltaX, deltaWeight, deltaBias, null, null];
  },
};
