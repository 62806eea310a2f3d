/* Layers with weights: linear, matmul and batch_norm. Convolutions and pooling are in operations_convolution.js.
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
    const { A, B, shape } = alignMatrices(a, b);
    return new Tensor(shape, multiplyMatrices(A, B).data);
  },
  // y = A B, so dL/dA = delta B^T and dL/dB = A^T delta; what was repeated collects a sum.
  backward(delta, [a, b]) {
    const { A, B, left, right } = alignMatrices(a, b);
    const errors = new Tensor([...A.shape.slice(0, -1), B.shape.at(-1)], delta.data);
    const deltaA = sumToShape(multiplyMatrices(errors, transposeMatrices(B)), left);
    const deltaB = sumToShape(multiplyMatrices(transposeMatrices(A), errors), right);
    return [new Tensor(a.shape, deltaA.data), new Tensor(b.shape, deltaB.data)];
  },
};

/** Return both operands of a product as equally many matrices A and B, the shapes left and right that they have as
 * matrices before that, and the shape of the result. */
function alignMatrices(a, b) {
  const left = a.shape.length > 1 ? a.shape : [1, ...a.shape];
  const right = b.shape.length > 1 ? b.shape : [...b.shape, 1];
  const outer = broadcastShape(left.slice(0, -2), right.slice(0, -2));
  const A = broadcastTo(new Tensor(left, a.data), [...outer, ...left.slice(-2)]);
  const B = broadcastTo(new Tensor(right, b.data), [...outer, ...right.slice(-2)]);
  const rows = a.shape.length > 1 ? [left.at(-2)] : [];
  const columns = b.shape.length > 1 ? [right.at(-1)] : [];
  return { A, B, left, right, shape: [...outer, ...rows, ...columns] };
}

/** Return the products (..., M, K) of equally many matrices A (..., M, N) and B (..., N, K). */
function multiplyMatrices(A, B) {
  const [M, N, K] = [...A.shape.slice(-2), B.shape.at(-1)];
  if (B.shape.at(-2) !== N) throw new Error(`The product of tensors (${A.shape}) and (${B.shape}) does not fit.`);
  const y = Tensor.zeros([...A.shape.slice(0, -1), K], A.Type);
  const [a, b] = [A.data, B.data];
  for (let row = 0; row < A.size / N; row++) {
    const first = Math.floor(row / M) * N * K; // where the matrix of B begins
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let n = 0; n < N; n++) sum += a[row * N + n] * b[first + n * K + k];
      y.data[row * K + k] = sum;
    }
  }
  return y;
}

/** Swap the last two dimensions of a tensor. */
function transposeMatrices(A) {
  const swap = (list) => [...list.slice(0, -2), list.at(-1), list.at(-2)];
  return readAt(A, positionsOf(swap(A.shape), swap(stridesOf(A.shape))), swap(A.shape));
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
