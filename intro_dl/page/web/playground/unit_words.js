/* Units and edges of the network in words: the formula of a unit, with its numbers.

Slide: lecture 002, w0 + x1 w1 + x2 w2 is a line in the plane. The network reads standardized inputs, (x - mean) / std;
the formula of the first layer has its numbers in the unit of the axes, so that a reader can insert a point. */
"use strict";

function unitName({ sizes, names }, column, row) {
  if (column === 0) return `x${row + 1}`;
  return column === sizes.length - 1 ? `output ${names.classes[row]}` : `hidden ${column}, unit ${row + 1}`;
}

/** Return {start, weights} of a unit; those of the first layer in the unit of the axes: w / std, b - sum of w mean / std. */
function numbersOfUnit({ layers, parameters, names }, column, row) {
  const { weight, bias } = layers[column - 1];
  const { data, shape } = parameters.get(weight);
  const weights = Array.from(data.slice(row * shape[1], (row + 1) * shape[1]));
  const start = bias ? parameters.get(bias).data[row] : 0;
  if (column > 1) return { start, weights };
  const { mean, std } = names.scale;
  const own = weights.map((value, feature) => value / std[feature]);
  return { start: own.reduce((sum, value, feature) => sum - value * mean[feature], start), weights: own };
}

/** Return the weight of an edge in words. */
function edgeInWords(view, { column, from, to }) {
  const weight = view.parameters.get(view.layers[column - 1].weight);
  const value = weight.data[to * weight.shape[1] + from];
  const names = `${unitName(view, column - 1, from)} to ${unitName(view, column, to)}`;
  if (column > 1) return `Weight from ${names}: ${value.toFixed(3)}.`;
  const own = numbersOfUnit(view, column, to).weights[from];
  return `Weight from ${names}: ${own.toFixed(3)} in the unit of the axis, ${value.toFixed(3)} of the standardized input.`;
}

/** Return the formula of a unit in words, e.g. "Hidden 1, unit 1: h = tanh(0.90 − 0.22 x1 − 1.70 x2), ...". */
function unitInWords(view, { column, row }) {
  const name = capitalized(unitName(view, column, row));
  if (column === 0) return `${name}: the input "${view.names.features[row]}". Blue is above its mean, orange is below.`;
  const { start, weights } = numbersOfUnit(view, column, row);
  const letter = column === 1 ? "x" : "h";
  const terms = weights.slice(0, view.sizes[column - 1]).map((weight, n) => signedTerm(weight, `${letter}${n + 1}`));
  const more = weights.length - terms.length;
  const sum = `${start < 0 ? "−" : ""}${twoDigits(Math.abs(start))}${terms.join("")}${more > 0 ? ` + ${more} more` : ""}`;
  const before = column === 1 ? "" : ` h1, h2, ... are the units of hidden ${column - 1}.`;
  if (column === view.sizes.length - 1) return `${name}: score = ${sum}; softmax turns the scores into probabilities.${before}`;
  const { activation } = view.layers[column - 1];
  const formula = activation ? `${activation}(${sum})` : sum;
  const role = column === 1 ? "a line with two sides" : `a combination of the units h1, h2, ... of hidden ${column - 1}`;
  return `${name}: h = ${formula}, ${role}.`;
}

/** Return " + 0.22 x1" or " − 0.22 x1". */
function signedTerm(weight, name) {
  return ` ${weight < 0 ? "−" : "+"} ${twoDigits(Math.abs(weight))} ${name}`;
}

/** Return a number of at least 0 with two digits after the point, a small one with two digits that count. */
function twoDigits(value) {
  return value > 0 && value < 0.1 ? String(Number(value.toPrecision(2))) : value.toFixed(2);
}
