/* The LSTM: a memory c that gates forget, store and show, run over T steps of a sequence.
 *
 * Slide: lecture 001, "LSTM": 1) forget, 2) store, 3) update, 4) output:
 *   i, f, o = sigma(W x_t + U h_(t-1) + b),   g = tanh(W x_t + U h_(t-1) + b),
 *   c_t = f c_(t-1) + i g,   h_t = o tanh(c_t),   with one W, U, b for each of the four (g is the slide's c~).
 * The gates are stored as torch does, in the order i, f, g, o.
 * A graph names the outputs `lstm`, and the other results `lstm.h`, `lstm.c` and `lstm.gates`.
 */
"use strict";

OPERATIONS.lstm = {
  parts: ["h", "c", "gates"],

  /** Inputs: x (T, B, E), h0 and c0 (layers, B, H), then for each layer W (4H, E), U (4H, H) and two biases (4H).
   *
   * Returns the outputs (T, B, H) of the last layer, the last h and c (layers, B, H), and the gates
   * (layers, T, B, 4H).
   */
  forward([x, h0, c0, ...weights]) {
    const { layers, T, B, H } = sizesOfLstm(x, h0, weights);
    const [h, c] = [h0.to(h0.Type), c0.to(c0.Type)]; // copies, overwritten at every step
    const gates = Tensor.zeros([layers, T, B, 4 * H], x.Type);
    let below = x;
    for (let layer = 0; layer < layers; layer++) {
      const outputs = Tensor.zeros([T, B, H], x.Type);
      const parameters = weights.slice(4 * layer, 4 * layer + 4);
      for (let t = 0; t < T; t++) {
        for (let b = 0; b < B; b++) {
          const state = (layer * B + b) * H;
          const gate = ((layer * T + t) * B + b) * 4 * H;
          computeGates(below, t * B + b, h, state, parameters, gates, gate);
          for (let u = 0; u < H; u++) {
            const [i, f, g, o] = gatesOfUnit(gates, gate, u, H);
            c.data[state + u] = f * c.data[state + u] + i * g;
            h.data[state + u] = o * Math.tanh(c.data[state + u]);
            outputs.data[(t * B + b) * H + u] = h.data[state + u];
          }
        }
      }
      below = outputs;
    }
    return [below, h, c, gates];
  },

  /** Back-propagation through time: from the last layer to the first, and from the last step to the first. */
  backward([deltaOutputs, deltaH, deltaC], [x, h0, c0, ...weights], [, , , gates]) {
    const { layers, T, B, H } = sizesOfLstm(x, h0, weights);
    // What later steps say about h and c; at the end of the sequence, what the loss says about the last ones.
    const dh = deltaH ? deltaH.to(x.Type) : h0.zerosLike();
    const dc = deltaC ? deltaC.to(x.Type) : c0.zerosLike();
    const deltaWeights = weights.map((weight) => weight.zerosLike());
    const { inputs, states, cells } = replayLstm(x, h0, c0, gates);
    let above = deltaOutputs ?? Tensor.zeros([T, B, H], x.Type);
    const dz = new Float64Array(4 * H); // the errors of the four gates before their sigma or tanh
    for (let layer = layers - 1; layer >= 0; layer--) {
      const deltaInputs = inputs[layer].zerosLike();
      const parameters = weights.slice(4 * layer, 4 * layer + 4);
      const errors = deltaWeights.slice(4 * layer, 4 * layer + 4);
      for (let t = T - 1; t >= 0; t--) {
        for (let b = 0; b < B; b++) {
          const state = (layer * B + b) * H;
          const gate = ((layer * T + t) * B + b) * 4 * H;
          for (let u = 0; u < H; u++) {
            const [i, f, g, o] = gatesOfUnit(gates, gate, u, H);
            const before = cells[layer].data[(t * B + b) * H + u]; // c_(t-1)
            const tanhC = Math.tanh(cells[layer].data[((t + 1) * B + b) * H + u]);
            const errorH = dh.data[state + u] + above.data[(t * B + b) * H + u]; // h_t goes up, and on in time
            const errorC = dc.data[state + u] + errorH * o * (1 - tanhC * tanhC);
            dz[u] = errorC * g * i * (1 - i); // sigma' = sigma (1 - sigma)
            dz[H + u] = errorC * before * f * (1 - f);
            dz[2 * H + u] = errorC * i * (1 - g * g); // tanh' = 1 - tanh^2
            dz[3 * H + u] = errorH * tanhC * o * (1 - o);
            dc.data[state + u] = errorC * f; // from c_t to c_(t-1) an error is only multiplied by f
            dh.data[state + u] = 0;
          }
          const [deltaW, deltaU, deltaBiasW, deltaBiasU] = errors;
          backThroughMap(dz, parameters[0], inputs[layer], t * B + b, deltaInputs, t * B + b, deltaW);
          backThroughMap(dz, parameters[1], states[layer], t * B + b, dh, layer * B + b, deltaU);
          for (let z = 0; z < 4 * H; z++) {
            deltaBiasW.data[z] += dz[z];
            deltaBiasU.data[z] += dz[z];
          }
        }
      }
      above = deltaInputs;
    }
    return [above, dh, dc, ...deltaWeights];
  },
};

/** Return the sizes of an LSTM: layers, T steps, B sequences, H units. */
function sizesOfLstm(x, h0, weights) {
  return { layers: weights.length / 4, T: x.shape[0], B: x.shape[1], H: h0.shape[2] };
}

/** Return the gates i, f, g, o of unit u, where the gates of its sequence and step begin at `first`. */
function gatesOfUnit(gates, first, u, H) {
  return [
    gates.data[first + u],
    gates.data[first + H + u],
    gates.data[first + 2 * H + u],
    gates.data[first + 3 * H + u],
  ];
}

/** Write the 4H gates of one step: sigma or tanh of W x + b + U h + b'; x is row `row` of `inputs`. */
function computeGates(inputs, row, h, state, [W, U, biasW, biasU], gates, first) {
  const [E, H] = [W.shape[1], U.shape[1]];
  const [x, w, u, past] = [inputs.data, W.data, U.data, h.data];
  for (let z = 0; z < 4 * H; z++) {
    let sum = biasW.data[z] + biasU.data[z];
    for (let n = 0; n < E; n++) sum += w[z * E + n] * x[row * E + n];
    for (let n = 0; n < H; n++) sum += u[z * H + n] * past[state + n];
    const isCandidate = z >= 2 * H && z < 3 * H;
    gates.data[first + z] = isCandidate ? Math.tanh(sum) : 1 / (1 + Math.exp(-sum));
  }
}

/** Compute again what the backward pass needs from the gates: for each layer its inputs (T, B, E), and the states
 * h (T, B, H) and cells c (T + 1, B, H) before each step. */
function replayLstm(x, h0, c0, gates) {
  const [layers, T, B, H4] = gates.shape;
  const H = H4 / 4;
  const [inputs, states, cells] = [[x], [], []];
  for (let layer = 0; layer < layers; layer++) {
    const h = Tensor.zeros([T + 1, B, H], x.Type); // h_0, ..., h_T
    const c = Tensor.zeros([T + 1, B, H], x.Type);
    h.data.set(h0.data.subarray(layer * B * H, (layer + 1) * B * H));
    c.data.set(c0.data.subarray(layer * B * H, (layer + 1) * B * H));
    for (let row = 0; row < T * B; row++) {
      for (let u = 0; u < H; u++) {
        const [i, f, g, o] = gatesOfUnit(gates, (layer * T * B + row) * H4, u, H);
        const now = (row + B) * H + u; // one step, B rows, later
        c.data[now] = f * c.data[row * H + u] + i * g;
        h.data[now] = o * Math.tanh(c.data[now]);
      }
    }
    states.push(h);
    cells.push(c);
    inputs.push(new Tensor([T, B, H], h.data.subarray(B * H)));
  }
  return { inputs, states, cells };
}

/** Send the errors dz of z = W x back: add W^T dz to the error of x, a row of `inputs`, and dz x^T to that of W. */
function backThroughMap(dz, W, inputs, row, deltaInputs, deltaRow, deltaW) {
  const N = W.shape[1];
  for (let z = 0; z < dz.length; z++) {
    for (let n = 0; n < N; n++) {
      deltaInputs.data[deltaRow * N + n] += dz[z] * W.data[z * N + n];
      deltaW.data[z * N + n] += dz[z] * inputs.data[row * N + n];
    }
  }
}
