"use strict";
/*
 * A formula as one types it, e.g. sin(x1) + x1*x2, read into a tree.
 *
 * Lecture 004 organizes a formula as a computational graph; this file does the first half: it finds which operation
 * comes before which. `trace.js` makes the steps w1, w2, ... of the tree.
 *
 * Each rule of the grammar is one method of FormulaReader:
 *     sum     = product { (+ | -) product }
 *     product = signed { (* | /) signed }
 *     signed  = - signed | power              so that -x^2 is -(x^2)
 *     power   = atom [ ^ signed ]             so that x^y^2 is x^(y^2), and 2^-x is allowed
 *     atom    = number | variable | constant | function ( sum ) | ( sum )
 *
 * A tree is {op: "number", value}, {op: "variable", name} or {op, operands: [trees]}, where op is + - * / ^, "neg" or
 * the name of a function.
 */

const FORMULA_FUNCTIONS = ["sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "sigmoid", "relu"];
const FORMULA_CONSTANTS = { pi: Math.PI, e: Math.E };
const FORMULA_LIMITS = { characters: 200, variables: 4, steps: 40 };

/** A mistake in a formula: one sentence, and the place of the character, counted from 1. */
class FormulaError extends Error {
  constructor(sentence, place = null) {
    super(place === null ? sentence : `At character ${place}: ${sentence}`);
    this.place = place;
  }
}

/** Cut a formula into tokens {kind: "number" | "name" | "symbol" | "end", text, place}. */
function formulaTokens(text) {
  const pattern = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z][A-Za-z0-9_]*)|(\*\*|[-+*/^()]))/y;
  const tokens = [];
  while (pattern.lastIndex < text.trimEnd().length) {
    const start = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) {
      const place = start + text.slice(start).search(/\S/) + 1;
      const character = String.fromCodePoint(text.codePointAt(place - 1));
      const advice = character === "," ? "write 0.5 with a point, and one number for each function" : "remove it";
      throw new FormulaError(`"${character}" is not part of a formula: ${advice}.`, place);
    }
    const [all, number, name, symbol] = found;
    const token = number ?? name ?? symbol;
    const kind = number ? "number" : name ? "name" : "symbol";
    const place = start + all.length - token.length + 1;
    tokens.push({ kind, text: token === "**" ? "^" : token, place });
  }
  tokens.push({ kind: "end", text: "the end", place: text.trimEnd().length + 1 });
  return tokens;
}

class FormulaReader {
  constructor(text) {
    this.tokens = formulaTokens(text.replaceAll("\u2212", "-").replaceAll(/[\u00b7\u00d7]/g, "*")); // a pasted minus or dot
    this.at = 0;
  }

  get token() {
    return this.tokens[this.at];
  }

  /** Take the next token if it is one of these symbols, and return its text; else return null. */
  take(...symbols) {
    if (this.token.kind !== "symbol" || !symbols.includes(this.token.text)) return null;
    return this.tokens[this.at++].text;
  }

  whole() {
    const tree = this.sum();
    if (this.token.kind !== "end") this.refuse();
    return tree;
  }

  sum() {
    let left = this.product();
    for (let symbol; (symbol = this.take("+", "-")); ) left = { op: symbol, operands: [left, this.product()] };
    return left;
  }

  product() {
    let left = this.signed();
    for (let symbol; (symbol = this.take("*", "/")); ) left = { op: symbol, operands: [left, this.signed()] };
    return left;
  }

  signed() {
    return this.take("-") ? { op: "neg", operands: [this.signed()] } : this.power();
  }

  power() {
    const base = this.atom();
    return this.take("^") ? { op: "^", operands: [base, this.signed()] } : base;
  }

  atom() {
    const { kind, text, place } = this.token;
    if (this.take("(")) return this.closed(place);
    if (kind === "number" || kind === "name") this.at++;
    if (kind === "number") return { op: "number", value: Number(text) };
    if (kind === "name") return this.named(text, place);
    const what = kind === "end" ? "the formula ends" : `"${text}" stands`;
    throw new FormulaError(`${what} where a number, a variable or a function is expected.`, place);
  }

  named(name, place) {
    if (FORMULA_FUNCTIONS.includes(name)) {
      const opening = this.token.place;
      if (!this.take("(")) throw new FormulaError(`write ${name} with parentheses, e.g. ${name}(x1).`, place);
      return { op: name, operands: [this.closed(opening)] };
    }
    if (Object.hasOwn(FORMULA_CONSTANTS, name)) return { op: "number", value: FORMULA_CONSTANTS[name] };
    if (/^w\d+$/.test(name) || name === "z") {
      throw new FormulaError(`${name} is the name of a result on this page: call the variable e.g. x1.`, place);
    }
    if (!/^[A-Za-z]\d{0,3}$/.test(name)) {
      const known = FORMULA_FUNCTIONS.join(", ");
      throw new FormulaError(`unknown name "${name}": a variable is one letter, e.g. x or x1; functions: ${known}.`, place);
    }
    return { op: "variable", name };
  }

  /** Read the rest of "( sum )". */
  closed(opening) {
    const tree = this.sum();
    if (this.take(")")) return tree;
    if (this.token.kind !== "end") this.refuse();
    throw new FormulaError("this parenthesis is not closed: add a ).", opening);
  }

  /** Say what is wrong with a token that follows a complete term. */
  refuse() {
    const { kind, text, place } = this.token;
    if (text === ")") throw new FormulaError("this ) closes nothing: remove it, or add a ( before it.", place);
    const next = kind === "symbol" ? "(" : text;
    throw new FormulaError(`write a product with *, e.g. 2*x1: a * is missing before "${next}".`, place);
  }
}

/** Return {tree, variables: [names, in order]} of a formula, or throw a FormulaError. */
function readFormula(text) {
  if (!text.trim()) throw new FormulaError("Write a formula, e.g. sin(x1) + x1*x2.");
  if (text.length > FORMULA_LIMITS.characters) {
    throw new FormulaError(`The formula has ${text.length} characters: write at most ${FORMULA_LIMITS.characters}.`);
  }
  const tree = new FormulaReader(text).whole();
  const names = new Set();
  const visit = (node) => (node.op === "variable" ? names.add(node.name) : node.operands?.forEach(visit));
  visit(tree);
  const variables = [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  if (variables.length === 0) throw new FormulaError("The formula has only numbers: write at least one variable, e.g. x1.");
  if (variables.length > FORMULA_LIMITS.variables) {
    throw new FormulaError(`The formula has the variables ${variables.join(", ")}: use at most ${FORMULA_LIMITS.variables}.`);
  }
  return { tree, variables };
}
