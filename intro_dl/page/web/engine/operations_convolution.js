/* Convolution and pooling of images (B, C, H, W).
 *
 * Slides: lecture 001, part 4; lecture 004, from "1D Convolutional Layer Example" to pooling.
 * The output at (y, x) reads the input at (y * stride - padding + k * dilation, ...) for each place k of the
 * kernel; what lies outside of the image counts as zero.
 */
"use strict";

/** Return how many windows of a kernel fit along one side. */
function countWindows(side, kernel, stride, padding, dilation, ceil = false) {
  const steps = (side + 2 * padding - dilation * (kernel - 1) - 1) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const windows = Math.ceil(steps) + 1; // the last window may reach over the edge, but must begin inside
  return (windows - 1) * stride >= side + padding ? windows - 1 : windows;
}

/** Return the outputs [first, end) whose input position output * stride + offset lies in [0, side).
 *
 * There may be none: then end is not larger than first.
 */
function outputsInside(offset, stride, side, outputs) {
  const first = Math.max(0, Math.ceil(-offset / stride));
  return [first, Math.min(outputs, Math.floor((side - 1 - offset) / stride) + 1)];
}

/** Call visit(w, i, o, count, stride) for all products weight * input of a convolution, a row at a time:
 *
 * output[o + k] += weight[w] * input[i + k * stride] for k in [0, count).
 * Forward and backward pass visit the same products.
 */
function visitConvolution(x, weight, output, { stride, padding, dilation, groups }, visit) {
  const [B, C, H, W] = x.shape;
  const [M, channels, kernelH, kernelW] = weight.shape; // each output map reads the channels of its group
  const [, , outH, outW] = output.shape;
  for (let b = 0; b < B; b++) {
    for (let m = 0; m < M; m++) {
      const firstChannel = Math.floor((m * groups) / M) * channels;
      for (let c = 0; c < channels; c++) {
        const image = (b * C + firstChannel + c) * H * W;
        for (let ky = 0; ky < kernelH; ky++) {
          const offsetY = ky * dilation[0] - padding[0];
          const [firstY, endY] = outputsInside(offsetY, stride[0], H, outH);
          for (let kx = 0; kx < kernelW; kx++) {
            const offsetX = kx * dilation[1] - padding[1];
            const [firstX, endX] = outputsInside(offsetX, stride[1], W, outW);
            const w = ((m * channels + c) * kernelH + ky) * kernelW + kx;
            for (let y = firstY; y < endY; y++) {
              const i = image + (y * stride[0] + offsetY) * W + firstX * stride[1] + offsetX;
              const o = ((b * M + m) * outH + y) * outW + firstX;
              visit(w, i, o, endX - firstX, stride[1]);
            }
          }
        }
      }
    }
  }
}

OPERATIONS.conv2d = {
  /** x (B, C, H, W), weight (M, C / groups, h, w), and maybe bias (M) -> M maps for each image. */
  forward([x, weight, bias], settings) {
    const { stride, padding, dilation, groups } = settings;
    const [B, C, H, W] = x.shape;
    const [M, channels, kernelH, kernelW] = weight.shape;
    if (C !== channels * groups) {
      throw new Error(`A convolution of ${channels * groups} channels got a tensor (${x.shape}).`);
    }
    const outH = countWindows(H, kernelH, stride[0], padding[0], dilation[0]);
    const outW = countWindows(W, kernelW, stride[1], padding[1], dilation[1]);
    const sums = Tensor.zeros([B, M, outH, outW], Float64Array);
    if (bias) {
      for (let n = 0; n < sums.size; n++) sums.data[n] = bias.data[Math.floor(n / (outH * outW)) % M];
    }
    const [input, weights, output] = [x.data, weight.data, sums.data];
    visitConvolution(x, weight, sums, settings, (w, i, o, count, step) => {
      const factor = weights[w];
      for (let k = 0; k < count; k++) output[o + k] += factor * input[i + k * step];
    });
    return sums.to(x.Type);
  },
  // In each product, dL/dx gets delta * weight, and dL/dweight gets delta * x.
  backward(delta, [x, weight, bias], y, settings) {
    const [deltaX, deltaWeight] = [x.zerosLike(), weight.zerosLike()];
    const [input, weights, errors] = [x.data, weight.data, delta.data];
    const [inputErrors, weightErrors] = [deltaX.data, deltaWeight.data];
    visitConvolution(x, weight, y, settings, (w, i, o, count, step) => {
      const factor = weights[w];
      let sum = 0;
      for (let k = 0; k < count; k++) {
        inputErrors[i + k * step] += factor * errors[o + k];
        sum += input[i + k * step] * errors[o + k];
      }
      weightErrors[w] += sum;
    });
    if (!bias) return [deltaX, deltaWeight];
    const deltaBias = bias.zerosLike();
    const area = y.shape[2] * y.shape[3];
    for (let n = 0; n < y.size; n++) deltaBias.data[Math.floor(n / area) % bias.size] += errors[n];
    return [deltaX, deltaWeight, deltaBias];
  },
};

/** Return an empty tensor for the pooled maps of x (B, C, H, W). */
function pooledZeros(x, { kernel, stride, padding, dilation = [1, 1], ceil }) {
  const [B, C, H, W] = x.shape;
  const outH = countWindows(H, kernel[0], stride[0], padding[0], dilation[0], ceil);
  const outW = countWindows(W, kernel[1], stride[1], padding[1], dilation[1], ceil);
  return Tensor.zeros([B, C, outH, outW], x.Type);
}

/** Call visit(o, inside, area) for the window of each output o: the input positions of its pixels inside of
 * the image, and how many pixels it has inside of the image and its padding. */
function visitWindows(x, y, { kernel, stride, padding, dilation = [1, 1] }, visit) {
  const [B, C, H, W] = x.shape;
  const [, , outH, outW] = y.shape;
  const inside = [];
  for (let map = 0; map < B * C; map++) {
    for (let row = 0; row < outH; row++) {
      for (let column = 0; column < outW; column++) {
        inside.length = 0;
        const [top, left] = [row * stride[0] - padding[0], column * stride[1] - padding[1]];
        for (let ky = 0; ky < kernel[0]; ky++) {
          const inputY = top + ky * dilation[0];
          if (inputY < 0 || inputY >= H) continue;
          for (let kx = 0; kx < kernel[1]; kx++) {
            const inputX = left + kx * dilation[1];
            if (inputX >= 0 && inputX < W) inside.push((map * H + inputY) * W + inputX);
          }
        }
        const height = Math.min(top + kernel[0], H + padding[0]) - top;
        const width = Math.min(left + kernel[1], W + padding[1]) - left;
        visit((map * outH + row) * outW + column, inside, height * width);
      }
    }
  }
}

OPERATIONS.avg_pool2d = {
  /** The mean of each window; zeros of the padding count if settings.count_padding. */
  forward([x], settings) {
    const y = pooledZeros(x, settings);
    visitWindows(x, y, settings, (o, inside, area) => {
      let sum = 0;
      for (const i of inside) sum += x.data[i];
      y.data[o] = sum / (settings.count_padding ? area : inside.length);
    });
    return y;
  },
  // Each pixel of a window has an equal part in its mean.
  backward(delta, [x], y, settings) {
    const deltaX = x.zerosLike();
    visitWindows(x, y, settings, (o, inside, area) => {
      const part = delta.data[o] / (settings.count_padding ? area : inside.length);
      for (const i of inside) deltaX.data[i] += part;
    });
    return [deltaX];
  },
};

/** Return the position of the largest number; of equal ones the first. */
function largestOf(data, positions) {
  let best = positions[0];
  for (const i of positions) if (data[i] > data[best]) best = i;
  return best;
}

OPERATIONS.max_pool2d = {
  /** The largest number of each window. */
  forward([x], settings) {
    const y = pooledZeros(x, settings);
    visitWindows(x, y, settings, (o, inside) => (y.data[o] = x.data[largestOf(x.data, inside)]));
    return y;
  },
  // Only the largest number moves the output, so it gets the whole adjoint.
  backward(delta, [x], y, settings) {
    const deltaX = x.zerosLike();
    visitWindows(x, y, settings, (o, inside) => (deltaX.data[largestOf(x.data, inside)] += delta.data[o]));
    return [deltaX];
  },
};
