"use strict";
/*
 * Automatic differentiation of a formula at a point, step by step: every number of the slides' worked example.
 *
 * Lecture 004, from "Problem: Compute gradients of z with respect to inputs {x1, x2}" to "For each output, can compute
 * the gradient w.r.t. all inputs in one pass!". The names w1, w2, ... and the order of the steps are those of the
 * slides; intro_dl/scratch/trace.py prints the same lines.
 *
 * A step is {name: "w3", op, operands: [step numbers or {value}], formula: "w1 w2", numbers: "2 * 3", value: 6,
 * local: [{operand: step number, formula: "w2", value: 3}, ...]}: local has dw3/dw1 and dw3/dw2.
 */

/*
 * Each operation: how it is written ({0} and {1} are the operands, {w} the result), its value, and for each operand the
 * local derivative, as text and as a function of the operands a, b and the result w.
 */
const SCALAR_OPERATIONS = {
  "+": { text: "{0} + {1}", value: (a, b) => a + b, slopes: [["1", () => 1], ["1", () => 1]] },
  "-": { text: "{0} - {1}", value: (a, b) => a - b, slopes: [["1", () => 1], ["-1", () => -1]] },
  "*": { text: "{0} * {1}", value: (a, b) => a * b, slopes: [["{1}", (a, b) => b], ["{0}", (a) => a]] },
  "/": {
    text: "{0} / {1}",
    value: (a, b) => a / b,
    slopes: [["1 / {1}", (a, b) => 1 / b], ["-{0} / {1}^2", (a, b) => -a / b ** 2]],
  },
  "^": {
    text: "{0}^{1}",
    value: (a, b) => a ** b,
    slopes: [
      ["{1} * {0}^({1} - 1)", (a, b) => (b === 0 ? 0 : b * a ** (b - 1))], // x^0 is flat, also at 0
      ["{w} * log({0})", (a, b, w) => (a === 0 && b >= 0 ? 0 : w * Math.log(a))],
    ],
  },
  neg: { text: "-{0}", value: (a) => -a, slopes: [["-1", () => -1]] },
  sin: { text: "sin({0})", value: Math.sin, slopes: [["cos({0})", (a) => Math.cos(a)]] },
  cos: { text: "cos({0})", value: Math.cos, slopes: [["-sin({0})", (a) => -Math.sin(a)]] },
  tan: { text: "tan({0})", value: Math.tan, slopes: [["1 + {w}^2", (a, b, w) => 1 + w ** 2]] },
  exp: { text: "exp({0})", value: Math.exp, slopes: [["{w}", (a, b, w) => w]] },
  log: { text: "log({0})", value: Math.log, slopes: [["1 / {0}", (a) => 1 / a]] },
  sqrt: { text: "sqrt({0})", value: Math.sqrt, slopes: [["1 / (2 * {w})", (a, b, w) => 1 / (2 * w)]] },
  tanh: { text: "tanh({0})", value: Math.tanh, slopes: [["1 - {w}^2", (a, b, w) => 1 - w ** 2]] },
  sigmoid: {
    text: "sigmoid({0})",
    value: (a) => 1 / (1 + Math.exp(-a)),
    slopes: [["{w} * (1 - {w})", (a, b, w) => w * (1 - w)]],
  },
  // 0 at 0, as on the slides and in torch
  relu: { text: "max(0, {0})", value: (a) => Math.max(0, a), slopes: [["step({0})", (a) => (a > 0 ? 1 : 0)]] },
};

/** Write a number with four significant digits: 6.909, 12346, 2.061e-4. */
function traceNumber(value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinity" : "-infinity";
  if (Math.abs(value) >= 1000 && Math.abs(value) < 1e7) return String(Math.round(value));
  const rounded = Number(value.toPrecision(4)) || 0; // no -0
  return (Math.abs(rounded) < 1e-3 && rounded ? rounded.toExponential() : String(rounded)).replace("e+", "e");
}

/** Insert operands and the result into a text of SCALAR_OPERATIONS. */
function fillNotation(text, operands, result) {
  return text.replaceAll("{w}", result).replaceAll(/\{([01])\}/g, (_, index) => operands[Number(index)]);
}

/** Write a product of names as on the slides, "w1 w2", but "2 * w1" with a number; and w1^(3 - 1) as w1^2. */
function slideNotation(text) {
  const power = text.replaceAll(/\^\((\d+) - 1\)/g, (_, exponent) => (exponent === "2" ? "" : `^${exponent - 1}`));
  return power.replaceAll(/\b(w\d+) \* (?=[a-z(])/g, "$1 ");
}

/** Compute what has only numbers, e.g. 2*pi: a tree whose operations all depend on a variable. */
function foldNumbers(tree) {
  if (!tree.operands) return tree;
  const operands = tree.operands.map(foldNumbers);
  if (operands.some(({ op }) => op !== "number")) return { op: tree.op, operands };
  return { op: "number", value: SCALAR_OPERATIONS[tree.op].value(...operands.map(({ value }) => value)) };
}

/**
 * Evaluate a tree at a point and return its steps: the inputs first, then each operation after its operands.
 * @param tree of readFormula. @param variables names, in order. @param point {name: number}.
 */
function traceSteps(tree, variables, point) {
  const input = { op: "input", operands: [], numbers: "", local: [] };
  const steps = variables.map((variable, index) => ({
    ...input, name: `w${index + 1}`, formula: variable, value: point[variable],
  }));
  const visit = (node) => {
    if (node.op === "number") return { value: node.value };
    if (node.op === "variable") return variables.indexOf(node.name); // each use of x1 joins at the one step w1
    const operands = node.operands.map(visit);
    const { text, value, slopes } = SCALAR_OPERATIONS[node.op];
    const values = operands.map((operand) => (typeof operand === "number" ? steps[operand].value : operand.value));
    const result = value(...values);
    const name = `w${steps.length + 1}`;
    const names = operands.map((operand) => steps[operand]?.name ?? traceNumber(operand.value));
    const local = slopes.slice(0, operands.length).map(([slope, derivative], index) => ({
      operand: operands[index],
      formula: slideNotation(fillNotation(slope, names, name)),
      value: derivative(values[0], values[1], result),
    }));
    const inserted = values.map((each, index) => {
      const written = traceNumber(each);
      const first = index === 0 && node.op !== "^" && node.op !== "neg";
      return each < 0 && !first && !text.includes("(") ? `(${written})` : written;
    });
    steps.push({
      name,
      op: node.op,
      operands,
      formula: slideNotation(fillNotation(text, names, name)),
      numbers: fillNotation(text, inserted, name),
      value: result,
      local: local.filter((each) => typeof each.operand === "number"), // a number does not move
    });
    return steps.length - 1;
  };
  visit(foldNumbers(tree));
  if (steps.length > FORMULA_LIMITS.steps) {
    throw new FormulaError(`The formula has ${steps.length} steps: write one of at most ${FORMULA_LIMITS.steps}.`);
  }
  return steps;
}

/**
 * Forward mode, one pass for the input number `input`: push dw/dx from the inputs to the output,
 * dw/dx = sum over the operands v of (dw/dv) (dv/dx). Returns the tangents (steps).
 */
function forwardTangents(steps, input) {
  const tangents = [];
  steps.forEach((step, index) => {
    const seed = index === input ? 1 : 0; // 1 for the input of this pass, 0 for the others
    tangents.push(step.local.reduce((sum, each) => sum + each.value * tangents[each.operand], seed));
  });
  return tangents;
}

/**
 * Reverse mode, the one pass for z: pull dz/dw from the end to the beginning,
 * dz/dv = sum over the steps w that use v of (dz/dw) (dw/dv).
 * Returns {adjoints: (steps), order: step numbers, in the order in which their adjoints are complete}.
 */
function reverseAdjoints(steps) {
  const uses = steps.map(() => 0);
  for (const step of steps) for (const { operand } of step.local) uses[operand]++;
  const adjoints = steps.map(() => 0);
  const last = steps.length - 1;
  adjoints[last] = 1; // dz/dz
  const order = [last];
  for (const index of order) { // grows while we walk, by every step whose uses have all been seen
    for (const { operand, value } of steps[index].local) {
      adjoints[operand] += adjoints[index] * value;
      if (--uses[operand] === 0) order.push(operand);
    }
  }
  return { adjoints, order };
}

/** Write the chain rule as the slides do, symbols = numbers = result; terms are [symbols, number, number]. */
function chainRuleLine(name, terms, result) {
  const symbols = terms.map(([symbol]) => symbol).join(" + ");
  const bracket = (value) => (value < 0 ? `(${traceNumber(value)})` : traceNumber(value));
  const numbers = terms.map(([, left, right]) => `${bracket(left)} * ${bracket(right)}`).join(" + ");
  return terms.length ? `${name} = ${symbols} = ${numbers} = ${traceNumber(result)}` : `${name} = ${traceNumber(result)}`;
}

/** Write dw/dx of step number `index` in the forward pass for the input `variable`. */
function forwardLine(steps, tangents, index, variable) {
  const { name, local } = steps[index];
  const terms = local.map(({ operand, value }) => {
    const inner = steps[operand].name;
    return [`d${name}/d${inner} d${inner}/d${variable}`, value, tangents[operand]];
  });
  return chainRuleLine(`d${name}/d${variable}`, terms, tangents[index]);
}

/** Write dz/dw of step number `index` in the reverse pass: one term for each step that uses w. */
function reverseLine(steps, adjoints, index) {
  const { name } = steps[index];
  const terms = [];
  for (let user = steps.length - 1; user > index; user--) {
    for (const { operand, value } of steps[user].local) {
      if (operand === index) terms.push([`dz/d${steps[user].name} d${steps[user].name}/d${name}`, adjoints[user], value]);
    }
  }
  return chainRuleLine(`dz/d${name}`, terms, adjoints[index]);
}
