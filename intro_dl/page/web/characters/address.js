"use strict";
/* What the address of the tab may say, and the prompt as `intro-dl sample` writes it, with \n for a new line. */

/** Return a state without values that the tab cannot use. */
function checkCharacters(state) {
  return {
    ...state,
    mode: oneOf(state.mode, ["write", "read"], "write"),
    temperature: between(state.temperature, 0.1, 2, 0.8),
    top_k: wholeBetween(state.top_k, 0, 100000, 0),
    seed: wholeBetween(state.seed, 0, 2 ** 32 - 1, 0),
    length: wholeBetween(state.length, 0, MOST_TOKENS, 150),
    prompt: state.prompt.slice(0, 200),
    text: state.text.slice(0, MOST_TOKENS),
    color: oneOf(state.color, ["surprise", ...Object.keys(TRACE_KINDS)], "surprise"),
    layer: wholeBetween(state.layer, 1, 100, 1),
    cell: wholeBetween(state.cell, 0, 100000, 0),
    place: wholeBetween(state.place, 0, MOST_TOKENS + 1, 0),
  };
}

/** Replace \n, \t and \\ by the characters they stand for, as `intro-dl sample` does. */
const unescapePrompt = (text) => text.replaceAll(/\\([nt\\])/g, (_, letter) => ({ n: "\n", t: "\t", "\\": "\\" })[letter]);
const escapePrompt = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
