/* Operations on each number by itself: relu, leaky_relu, tanh, sigmoid, exp; and add, sub, mul, div of two tensors.
 *
 * Slides: lecture 002, "Useful Derivatives"; lecture 004, chain rule: dL/dx = delta * dy/dx, with delta = dL/dy.
 */
"use strict";

/** Return the operation y = value(x), with its derivative slope(x, y) = dy/dx; both may read the settings. */
function elementwiseOperation(value, slope) {
  return {
    forward([x], settings) {
      const y = x.zerosLike();
      for (let n = 0; n < y.size; n++) y.data[n] = value(x.data[n], settings);
      return y;
    },
    backward(delta, [x], y, settings) {
      const deltaX = x.zerosLike();
      for (let n = 0; n < y.size; n++) deltaX.data[n] = delta.data[n] * slope(x.data[n], y.data[n], settings);
      return [deltaX];
    },
  };
}

Object.assign(OPERATIONS, {
  relu: elementwiseOperation((x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0)),
  leaky_relu: elementwiseOperation(
    (x, { slope }) => (x > 0 ? x : slope * x),
    (x, y, { slope }) => (x > 0 ? 1 : slope),
  ),
  tanh: elementwiseOperation((x) => Math.tanh(x), (x, y) => 1 - y * y),
  sigmoid: elementwiseOperation((x) => 1 / (1 + Math.exp(-x)), (x, y) => y * (1 - y)),
  exp: elementwiseOperation((x) => Math.exp(x), (x, y) => y),
});

/** Return the operation y = value(a, b), with its derivatives slopeA = dy/da and slopeB = dy/db.
 *
 * Smaller operands are repeated ("broadcast"). The node may have a number in its settings instead of b.
 */
function pairOperation(value, slopeA, slopeB) {
  const secondOf = (a, b, { number }) => b ?? Tensor.of([], [number], a.Type);

  return {
    forward([a, second], settings) {
      const b = secondOf(a, second, settings);
      const shape = broadcastShape(a.shape, b.shape);
      const [left, right] = [broadcastTo(a, shape), broadcastTo(b, shape)];
      const y = Tensor.zeros(shape, a.Type);
      for (let n = 0; n < y.size; n++) y.data[n] = value(left.data[n], right.data[n]);
      return y;
    },
    backward(delta, [a, second], y, settings) {
      const b = secondOf(a, second, settings);
      const [left, right] = [broadcastTo(a, y.shape), broadcastTo(b, y.shape)];
      const [deltaLeft, deltaRight] = [y.zerosLike(), y.zerosLike()];
      for (let n = 0; n < y.size; n++) {
        deltaLeft.data[n] = delta.data[n] * slopeA(left.data[n], right.data[n]);
        deltaRight.data[n] = delta.data[n] * slopeB(left.data[n], right.data[n]);
      }
      // What was repeated has an effect in several places: its adjoint is the sum over them.
      return [sumToShape(deltaLeft, a.shape), second ? sumToShape(deltaRight, b.shape) : null];
    },
  };
}

Object.assign(OPERATIONS, {
  add: pairOperation((a, b) => a + b, () => 1, () => 1),
  sub: pairOperation((a, b) => a - b, () => 1, () => -1),
  mul: pairOperation((a, b) => a * b, (a, b) => b, (a) => a),
  div: pairOperation((a, b) => a / b, (a, b) => 1 / b, (a, b) => -a / (b * b)),
});
