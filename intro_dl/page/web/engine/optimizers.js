/* The six optimizers of the lectures: how a step changes a weight w, given its gradient g.
 *
 * Slides: lecture 002, "Ways to Use Weight Derivatives", "Learning Rates", "Algorithm 1: Adam"; lectures 000 and
 * 003, "Adaptive Learning Rate". The formulas are those of intro_dl/scratch/optimizers.py, the default values
 * those of configs/optim/. settings.weight_decay adds weight_decay * w to each gradient (L2).
 *
 *   OPTIMIZERS.adam.step(parameter, gradient, state, settings)
 * changes the parameter in place. `state` is an object of the parameter's own, at first {}, in which a rule
 * keeps its averages.
 */
"use strict";

/** Return the array `name` of a state; at first it has zeros. */
function averageOf(state, name, parameter) {
  state[name] ??= new parameter.Type(parameter.size);
  return state[name];
}

/** Return a function that changes every number of a parameter.
 *
 * prepare(state, settings, parameter) is called once a step, and returns rule(w, g, n) -> the n-th weight, changed.
 */
function stepOf(prepare) {
  return (parameter, gradient, state, settings) => {
    const rule = prepare(state, settings, parameter);
    const decay = settings.weight_decay ?? 0;
    const w = parameter.data;
    for (let n = 0; n < w.length; n++) w[n] = rule(w[n], gradient.data[n] + decay * w[n], n);
  };
}

const OPTIMIZERS = {
  sgd: {
    title: "SGD",
    defaults: { lr: 0.1 },
    step: stepOf((state, { lr }) => (w, g) => w - lr * g),
  },

  momentum: {
    title: "Momentum",
    defaults: { lr: 0.02, momentum: 0.9 },
    step: stepOf((state, { lr, momentum }, parameter) => {
      const v = averageOf(state, "v", parameter); // the velocity of a ball that rolls downhill
      return (w, g, n) => {
        v[n] = momentum * v[n] + g;
        return w - lr * v[n];
      };
    }),
  },

  adagrad: {
    title: "Adagrad",
    defaults: { lr: 0.02, eps: 1e-10 },
    step: stepOf((state, { lr, eps }, parameter) => {
      const G = averageOf(state, "G", parameter); // the sum of all squared gradients
      return (w, g, n) => {
        G[n] += g * g;
        return w - (lr * g) / (Math.sqrt(G[n]) + eps);
      };
    }),
  },

  adadelta: {
    title: "Adadelta",
    defaults: { lr: 1.0, rho: 0.9, eps: 1e-6 },
    step: stepOf((state, { lr, rho, eps }, parameter) => {
      const meanG2 = averageOf(state, "meanG2", parameter); // running averages of squared gradients
      const meanDw2 = averageOf(state, "meanDw2", parameter); // and of squared steps
      return (w, g, n) => {
        meanG2[n] = rho * meanG2[n] + (1 - rho) * g * g;
        const dw = (-Math.sqrt(meanDw2[n] + eps) / Math.sqrt(meanG2[n] + eps)) * g;
        meanDw2[n] = rho * meanDw2[n] + (1 - rho) * dw * dw;
        return w + lr * dw;
      };
    }),
  },

  rmsprop: {
    title: "RMSProp",
    defaults: { lr: 1e-3, alpha: 0.99, eps: 1e-8 },
    step: stepOf((state, { lr, alpha, eps }, parameter) => {
      const v = averageOf(state, "v", parameter); // running average of squared gradients
      return (w, g, n) => {
        v[n] = alpha * v[n] + (1 - alpha) * g * g;
        return w - (lr * g) / (Math.sqrt(v[n]) + eps);
      };
    }),
  },

  adam: {
    title: "Adam",
    defaults: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8 },
    step: stepOf((state, { lr, betas: [beta1, beta2], eps }, parameter) => {
      const m = averageOf(state, "m", parameter); // 1st moment
      const v = averageOf(state, "v", parameter); // 2nd moment
      state.t = (state.t ?? 0) + 1;
      const [correction1, correction2] = [1 - beta1 ** state.t, 1 - beta2 ** state.t]; // both start at zero
      return (w, g, n) => {
        m[n] = beta1 * m[n] + (1 - beta1) * g;
        v[n] = beta2 * v[n] + (1 - beta2) * g * g;
        return w - (lr * (m[n] / correction1)) / (Math.sqrt(v[n] / correction2) + eps);
      };
    }),
  },
};

/** Return an optimizer for `trainStep`, e.g. makeOptimizer("adam", {lr: 0.01, weight_decay: 1e-4}). */
function makeOptimizer(name, settings = {}) {
  if (!Object.hasOwn(OPTIMIZERS, name)) {
    throw new Error(`Unknown optimizer ${name}: choose ${Object.keys(OPTIMIZERS).join(", ")}.`);
  }
  const rule = OPTIMIZERS[name];
  return { name, rule, settings: { weight_decay: 0, ...rule.defaults, ...settings }, states: new Map() };
}
