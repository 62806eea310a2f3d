"use strict";
/*
 * The two cards below the text: what the model expected at a place, and one cell while it read the text.
 * A place is the number of a token from 0; the place after the last token is the next one, which is not drawn yet.
 */

/** Name the token at a place, for a sentence. */
const quotedToken = (reader, place) => `"${visibleToken(reader.alphabet[reader.moments[place].token])}"`;

/** Return the rows of probabilityBars: the ten most likely tokens, and the one that came, if it is not among them. */
function likelyTokens(reader, die, came) {
  const order = [...die.keys()].sort((a, b) => die[b] - die[a] || a - b);
  const shown = order.slice(0, 10).filter((token) => die[token] > 0);
  if (came !== null && !shown.includes(came)) shown.push(came);
  return shown.map((token) => ({ name: visibleToken(reader.alphabet[token]), value: die[token], marked: token === came }));
}

/** Return the card of the probabilities, with .show(reader, place, settings of the die, "character" or "word"). */
function expectedCard() {
  const sentence = element("p");
  const bars = probabilityBars({ label: "Most likely tokens" });
  const surprise = element("p", { class: "soft surprise" });
  const made = card("What comes next?", sentence, bars, surprise);
  made.classList.add("expected-card");
  made.show = (reader, place, settings, unit) => {
    const { moments } = reader;
    const next = place === moments.length && place > 0;
    const logits = next ? reader.logits : moments[place]?.expected;
    surprise.textContent = "";
    if (!logits) {
      bars.set([]);
      sentence.textContent = moments[place] ? `${quotedToken(reader, place)} is the first ${unit}: the model has read nothing before it.` : "";
      return;
    }
    const before = moments.slice(Math.max(0, place - 12), place).map(({ token }) => visibleToken(reader.alphabet[token])).join("");
    sentence.textContent = `After ${place > 12 ? "..." : ""}${before} ${next ? "comes" : "came"}:`;
    bars.set(likelyTokens(reader, dieOf(logits, settings), next ? null : moments[place].token));
    if (next) return;
    const bits = moments[place].surprise;
    const chance = 2 ** -bits < 1e-4 ? "below 0.01 %" : percent(2 ** -bits, 2);
    const plain = settings.temperature === 1 && settings.topK === 0;
    surprise.textContent =
      `${quotedToken(reader, place)} surprised the model by ${bits.toFixed(2)} bits: ` +
      `${plain ? "" : "without temperature and top-k, "}its probability is ${chance}.`;
  };
  return made;
}

/** Return the card of a cell, with .show(reader, place, {kind, layer, cell, words}). */
function cellCard() {
  const canvas = makeCanvas({ width: 900, height: 210, label: "The chosen cell over the text", fluid: true });
  const numbers = element("p", { class: "number" });
  const made = card("Cell", canvas, numbers);
  made.classList.add("cell-card");
  made.show = (reader, place, { kind, layer, cell, words }) => {
    const of = reader.layers > 1 ? ` of layer ${layer + 1}` : "";
    made.querySelector("h3").textContent = `Cell ${cell + 1}${of} while it reads`;
    const read = Math.min(place, reader.moments.length - 1); // the next token is not read yet
    if (read < 0) {
      numbers.textContent = "";
      canvas.onDraw(() => {});
      return;
    }
    drawGates(canvas, { reader, place: read, kind, layer, cell, words });
    const valueOf = (each) => `${reader.titleOf(each)} ${reader.traceOf(read, each, layer, cell).toFixed(2)}`;
    numbers.textContent = `At ${quotedToken(reader, read)}: ${reader.kinds.map(valueOf).join("; ")}`;
    canvas.describe(numbers.textContent);
  };
  return made;
}
