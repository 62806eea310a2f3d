"use strict";
/*
 * A language model that reads one token after the other, and remembers what it computed at each.
 *
 * Lecture 001, "RNNs: Computational Graph Across Time" and "LSTM". The graph of a text model reads one token and the
 * state, and gives the logits of the next token and the next state: exactly the loop of the lecture. A token is a
 * character, or a word with the space before it (data.unit=word).
 */

const MOST_TOKENS = 3000; // of one text on the page

/** What can be shown of a recurrent layer, with the range of its values; the key is the name in the address. */
const TRACE_KINDS = {
  forget: { title: "forget gate, f", low: 0, part: 1 }, // part: which quarter of the gates, in the order i, f, g, o
  store: { title: "store gate, i", low: 0, part: 0 },
  output: { title: "output gate, o", low: 0, part: 3 },
  cell: { title: "cell state, tanh(c)", low: -1 },
  h: { title: "output, h", low: -1 },
};

/**
 * Split a text into words and marks, each with the space before it, as `split_words` of intro_dl/data/text.py:
 * / ?\w+| ?[^\w\s]|\s+/ of Python, whose \w has all letters and whose \s has other controls.
 */
function splitWords(text) {
  const pattern = / ?[\p{L}\p{N}_]+| ?[^\p{L}\p{N}_\t-\r\x1c-\x20\x85\p{Z}]|[\t-\r\x1c-\x20\x85\p{Z}]+/gu;
  return text.match(pattern) ?? [];
}

/** Show white space as a sign. */
function visibleToken(piece) {
  return piece.replaceAll(" ", "\u2423").replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5");
}

/** Return {tokens, unknown: [pieces]} of a text for a run; the token of an unknown word is 0. */
function tokensOfText(entry, text) {
  const places = new Map(entry.alphabet.map((piece, place) => [piece, place]));
  const pieces = wordsOf(entry) ? splitWords(text) : [...text.replaceAll(/\r\n?/g, "\n")];
  const unknown = [...new Set(pieces.filter((piece) => !places.has(piece)))];
  const tokens = pieces.map((piece) => places.get(piece) ?? 0);
  return { tokens, unknown };
}

/** Say in one sentence which pieces of a text the model does not know; "" if it knows all. */
function unknownSentence(entry, unknown) {
  if (unknown.length === 0) return "";
  const shown = unknown.slice(0, 10).map((piece) => `"${piece}"`).join(", ") + (unknown.length > 10 ? " and others" : "");
  if (wordsOf(entry)) return `Not in the vocabulary, so that the model reads ${entry.alphabet[0]}: ${shown}.`;
  return `The model has never seen ${shown}: remove ${unknown.length > 1 ? "them" : "it"}.`;
}

/** Whether the tokens of a run are words: token 0 of a vocabulary of words stands for all others. */
function wordsOf(entry) {
  return entry.alphabet[0] === "<unknown>";
}

class TextReader {
  constructor(entry) {
    this.alphabet = entry.alphabet;
    const { graph, parameters } = loadModel(entry);
    Object.assign(this, { graph, parameters });
    this.lstm = graph.nodes.find((node) => node.op === "lstm")?.name;
    const state = graph.shapes.h; // (layers, B, H) of an LSTM, (B, H) of an RNN
    this.layers = state.length === 3 ? state[0] : 1;
    this.cells = state.at(-1);
    this.kinds = Object.keys(TRACE_KINDS).filter((kind) => this.has(kind));
    this.reset();
  }

  has(kind) {
    if (kind === "h") return true;
    return kind === "cell" ? this.graph.inputs.includes("c") : this.lstm !== undefined;
  }

  /** What a kind is called for this model: the output of an RNN without a cell is its whole state. */
  titleOf(kind) {
    return kind === "h" && !this.has("cell") ? "state, h" : TRACE_KINDS[kind].title;
  }

  /** Forget everything that was read. */
  reset() {
    this.state = {};
    for (const name of this.graph.inputs.slice(1)) {
      this.state[name] = Tensor.zeros(this.graph.shapes[name].map((size) => (size === -1 ? 1 : size)));
    }
    this.logits = null; // (V) of the next token; null before the first
    this.moments = [];
  }

  /** Read one token: keep what was expected of it and what it did to each layer, and compute the next logits. */
  read(token) {
    const values = runGraph(this.graph, this.parameters, { tokens: Tensor.of([1], [token]), ...this.state });
    const surprise = this.logits && surpriseOf(this.logits, token);
    const gates = this.lstm && values.get(`${this.lstm}.gates`).data;
    for (const name of Object.keys(this.state)) this.state[name] = values.get(`next_${name}`);
    this.moments.push({ token, expected: this.logits, surprise, gates, h: this.state.h.data, c: this.state.c?.data });
    this.logits = values.get("logits").data;
  }

  /** The value of one cell while the model read the token at `place`. */
  traceOf(place, kind, layer, cell) {
    const { gates, h, c } = this.moments[place];
    const at = layer * this.cells + cell;
    if (kind === "h") return h[at];
    if (kind === "cell") return Math.tanh(c[at]);
    return gates[(4 * layer + TRACE_KINDS[kind].part) * this.cells + cell];
  }

  /** Bits for each token after the first, which nothing predicts; null for a text of one token. */
  meanSurprise() {
    const known = this.moments.slice(1);
    return known.length ? known.reduce((sum, { surprise }) => sum + surprise, 0) / known.length : null;
  }

  /** The cell of a layer whose values at letters and at other characters differ most. */
  wordEndCell(kind, layer) {
    const letters = this.moments.map(({ token }) => /\p{L}/u.test(this.alphabet[token]));
    const counts = [letters.filter((each) => !each).length, letters.filter((each) => each).length];
    if (counts.includes(0)) return null;
    let [best, largest] = [0, -1];
    for (let cell = 0; cell < this.cells; cell++) {
      const sums = [0, 0];
      letters.forEach((letter, place) => (sums[Number(letter)] += this.traceOf(place, kind, layer, cell)));
      const difference = Math.abs(sums[0] / counts[0] - sums[1] / counts[1]);
      if (difference > largest) [best, largest] = [cell, difference];
    }
    return best;
  }
}

/** A text that a model writes: it reads the prompt, and then each token that it draws. */
class TextWriter {
  /** settings: {temperature, topK, seed}; the uniform numbers are those of the seed, one for each token. */
  constructor(reader, prompt, settings) {
    Object.assign(this, { reader, prompt, settings, random: new RandomNumbers(settings.seed) });
    reader.reset();
  }

  /** The number of tokens after the prompt. */
  get written() {
    return this.reader.moments.length - this.prompt.length;
  }

  /** Read the next token of the prompt, or draw the next one and read it. */
  advance() {
    const { reader, prompt, settings } = this;
    const drawn = this.written >= 0;
    reader.read(drawn ? drawToken(dieOf(reader.logits, settings), this.random.uniform()) : prompt[reader.moments.length]);
  }
}
