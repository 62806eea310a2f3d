"use strict";
/*
 * Choose the next character from logits: temperature first, then top-k, then one throw of a V-sided die.
 *
 * Lecture 001, "throw a 3-sided dice to decide what y equals". The functions are those of
 * intro_dl/scratch/sampling.py, with a token that is ruled out at logit -infinity. A test compares the texts of both
 * for the same uniform numbers.
 */

/** Sharpen (T < 1) or flatten (T > 1) the die: (z - max z) / T, for logits (V). */
function divideByTemperature(logits, temperature) {
  const largest = Math.max(...logits);
  return Float64Array.from(logits, (z) => (z - largest) / temperature);
}

/** Rule out all tokens except the k most likely; 0 keeps all. If tokens tie for the last place, the first stays. */
function keepTopK(logits, topK) {
  if (topK === 0 || topK >= logits.length) return logits;
  const kept = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, topK);
  const result = new Float64Array(logits.length).fill(-Infinity);
  for (const token of kept) result[token] = logits[token];
  return result;
}

/** The softmax: p_v = exp(z_v) / sum over u of exp(z_u), for logits (V). */
function softmaxOf(logits) {
  const largest = Math.max(...logits);
  const exponentials = Float64Array.from(logits, (z) => Math.exp(z - largest));
  const sum = exponentials.reduce((total, each) => total + each, 0);
  return exponentials.map((each) => each / sum);
}

/** The die from which a token is drawn: probabilities (V) of logits (V). */
function dieOf(logits, { temperature, topK }) {
  return softmaxOf(keepTopK(divideByTemperature(logits, temperature), topK));
}

/** Throw the die: the first token whose cumulated probability exceeds the uniform number u in [0, 1). */
function drawToken(probabilities, u) {
  let sum = 0;
  let last = 0;
  for (let token = 0; token < probabilities.length; token++) {
    if (probabilities[token] === 0) continue;
    sum += probabilities[token];
    if (u < sum) return token;
    last = token; // rounding can leave the whole sum a little below 1
  }
  return last;
}

/** The surprise of a token in bits, -log2 p, under the model itself: temperature 1, no token ruled out. */
function surpriseOf(logits, token) {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, z) => total + Math.exp(z - largest), 0);
  return (Math.log(sum) + largest - logits[token]) / Math.LN2;
}
