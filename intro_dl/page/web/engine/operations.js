/* The operations that networks are made of, by their names in a graph.
 *
 * Slide: lecture 004, "Compute derivatives with chain rule from end to beginning". Each operation y = f(x) has
 * two directions:
 *   forward(inputs, settings) returns y;
 *   backward(delta, inputs, y, settings) gets delta = dL/dy, the adjoint of y, and returns the adjoint of
 *   each input, dL/dx = delta * dy/dx; null for an input that has none, e.g. labels.
 * `settings` are the arguments of the node in the graph, all of them written out.
 *
 * An operation with several results names the others in `parts`. Then y and delta are arrays.
 *
 *   operations_elementwise.js   relu, leaky_relu, tanh, sigmoid, exp, add, sub, mul, div
 *   operations_layers.js        linear, matmul, batch_norm
 *   operations_convolution.js   conv2d, avg_pool2d, max_pool2d
 *   operations_shapes.js        reshape, permute, slice, cat, pad, sum, mean, embedding
 *   operations_recurrent.js     lstm
 *   operations_losses.js        softmax, log_softmax, cross_entropy, mse
 */
"use strict";

const OPERATIONS = {};
