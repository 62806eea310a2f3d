"use strict";
/*
 * The moments of a walk through the graph: what each press of "Next" adds.
 *
 * Forward mode evaluates a step and its tangent together, from the inputs to z. Reverse mode first evaluates all steps
 * and stores their values, then computes the adjoints from z back to the inputs.
 */

/**
 * Return {moments, lines, labels, order, end}: moments are [{step, adds: "value" | "both" | "derivative", text}], lines the
 * chain rule of each step, labels its derivative, order the steps as their derivatives are found, end what was found.
 * @param mode "reverse", or the variable whose forward pass it is.
 */
function walkOf(steps, variables, mode) {
  const last = steps.length - 1;
  const valueText = ({ name, formula, numbers, value }) =>
    [`${name} = ${formula}`, numbers, traceNumber(value)].filter((part, index, parts) => part && part !== parts[index + 1]).join(" = ");
  if (mode !== "reverse") {
    const tangents = forwardTangents(steps, variables.indexOf(mode));
    const lines = steps.map((_, index) => forwardLine(steps, tangents, index, mode));
    const moments = steps.map((step, index) => ({ step: index, adds: "both", text: `${valueText(step)},  ${lines[index]}` }));
    const others = variables.filter((name) => name !== mode).map((name) => `dz/d${name}`);
    const more = others.length ? ` ${others.join(" and ")} ${others.length > 1 ? "need passes of their own" : "needs another pass"}.` : "";
    const end = `This pass gave dz/d${mode} = ${traceNumber(tangents[last])}.${more}`;
    const labels = steps.map(({ name }, index) => `d${name}/d${mode} = ${traceNumber(tangents[index])}`);
    return { moments, lines, labels, order: steps.map((_, index) => index), end };
  }
  const { adjoints, order } = reverseAdjoints(steps);
  const lines = steps.map((_, index) => reverseLine(steps, adjoints, index));
  const uses = steps.map(({ name }, index) => {
    const users = steps.filter(({ local }) => local.some(({ operand }) => operand === index));
    return users.length > 1 ? `.  ${users.map((user) => user.name).join(" and ")} use ${name}: their terms add up` : "";
  });
  const moments = [
    ...steps.map((step, index) => ({ step: index, adds: "value", text: valueText(step) })),
    ...order.map((index) => ({ step: index, adds: "derivative", text: lines[index] + uses[index] })),
  ];
  const found = variables.map((name, index) => `dz/d${name} = ${traceNumber(adjoints[index])}`).join(", ");
  const end = `One pass back gave ${variables.length > 1 ? "all derivatives: " : ""}${found}.`;
  const labels = steps.map(({ name }, index) => `dz/d${name} = ${traceNumber(adjoints[index])}`);
  return { moments, lines, labels, order, end };
}

/** Say where a number is infinite or undefined; "" if none is. */
function brokenSentence(steps) {
  for (const { name, formula, value, local } of steps) {
    if (!Number.isFinite(value)) return `${name} = ${formula} is ${traceNumber(value)} at this point: choose other values.`;
    const slope = local.find((each) => !Number.isFinite(each.value));
    if (slope) return `d${name}/d${steps[slope.operand].name} is ${traceNumber(slope.value)} at this point: choose other values.`;
  }
  return "";
}

/** Rows [mode, passes, multiplications] of what all derivatives of z cost in each mode. */
function costsOf(steps, variables) {
  const edges = steps.reduce((sum, { local }) => sum + local.length, 0);
  const inputs = variables.length;
  return [
    ["Forward", `${inputs}, one for each input`, `${inputs} * ${edges} = ${inputs * edges}`],
    ["Reverse", "1, one for each output", `1 * ${edges} = ${edges}`],
  ];
}
