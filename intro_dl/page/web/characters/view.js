"use strict";
/*
 * A text whose characters are colored by one number each, and the gates of one cell below the characters that it read.
 *
 * Figure G24 and intro_dl/visualize/text.py draw the same gates; lecture 001, "LSTM": forget, store, update, output.
 */

const MOST_SURPRISE = 8; // bits; a character with more has the same color

/** The background of a number in [low, high]: orange for a surprise or a negative number, blue for the others. */
function traceColor(kind, value) {
  if (value === null) return "";
  const strength = kind === "surprise" ? value / MOST_SURPRISE : Math.abs(value);
  const color = kind === "surprise" || value < 0 ? "orange" : "blue";
  return `color-mix(in srgb, var(--${color}) ${(65 * Math.min(1, strength)).toFixed(1)}%, transparent)`;
}

/** Return the colors' legend for a kind: an element with .set(kind). */
function traceLegend() {
  const [low, scale, high] = [element("span"), element("span", { class: "trace-scale" }), element("span")];
  const made = element("p", { class: "soft trace-legend" }, low, scale, high);
  made.set = (kind) => {
    const ends = kind === "surprise" ? [0, MOST_SURPRISE] : [TRACE_KINDS[kind].low, 1];
    [low.textContent, high.textContent] = kind === "surprise" ? ["0 bits", `${MOST_SURPRISE} bits or more`] : ends.map(String);
    const stops = [0, 0.25, 0.5, 0.75, 1].map((part) => traceColor(kind, ends[0] + part * (ends[1] - ends[0])));
    scale.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
  };
  return made;
}

/**
 * Return the element that shows the tokens: .add(piece, inPrompt, color), .paint(colorOf), .mark(place), .clear().
 * @param onpick called with the place of a token that is clicked; onhover with a place, or null when the mouse leaves.
 */
function tokenText({ onpick, onhover }) {
  const made = element("div", { class: "token-text scroll", tabindex: 0, role: "region", "aria-label": "The text" });
  const tokens = [];
  let marked = null;
  const placeOf = (event) => {
    const place = tokens.indexOf(event.target);
    return place < 0 ? null : place;
  };
  made.add = (piece, inPrompt, color) => {
    const token = element("span", { class: inPrompt ? "token prompt" : "token" }, piece);
    if (/^[\n\t]/.test(piece)) token.dataset.sign = visibleToken(piece[0]);
    token.style.backgroundColor = color;
    tokens.push(token);
    made.append(token);
  };
  made.paint = (colorOf) => tokens.forEach((token, place) => (token.style.backgroundColor = colorOf(place)));
  made.mark = (place) => {
    marked?.classList.remove("marked");
    marked = tokens[place] ?? null;
    marked?.classList.add("marked");
  };
  made.clear = () => {
    tokens.length = 0;
    made.replaceChildren();
  };
  made.addEventListener("click", (event) => placeOf(event) !== null && onpick(placeOf(event)));
  made.addEventListener("mouseover", (event) => placeOf(event) !== null && onhover(placeOf(event)));
  made.addEventListener("mouseleave", () => onhover(null));
  return made;
}

/** The lines of the gates' chart: which kinds, and in which color of the theme. */
const GATE_LINES = { forget: "orange", store: "green", output: "blue" };

/** Return the kinds that the chart draws together with `kind`: the three gates, or one kind alone. */
function chartKinds(reader, kind) {
  const gates = Object.keys(GATE_LINES);
  return gates.every((gate) => reader.has(gate)) && (gates.includes(kind) || kind === "surprise") ? gates : [kind === "surprise" ? "h" : kind];
}

/** Draw the chosen cell over the tokens around `place`, on a canvas; each token stands below its point. */
function drawGates(canvas, { reader, place, kind, layer, cell, words }) {
  const most = words ? 9 : 41;
  canvas.onDraw((context, width, height) => {
    const colors = theme();
    const fitting = Math.max(5, Math.min(most, Math.floor((width - 60) / (words ? 60 : 14))));
    const first = Math.max(0, Math.min(place - Math.floor(fitting / 2), reader.moments.length - fitting));
    const shown = reader.moments.slice(first, first + fitting);
    const kinds = chartKinds(reader, kind);
    const low = Math.min(...kinds.map((each) => TRACE_KINDS[each].low));
    const box = { left: 34, right: width - 10, top: 26, bottom: height - 30 };
    const toX = (index) => box.left + 10 + (index / Math.max(1, fitting - 1)) * (box.right - box.left - 20);
    const toY = (value) => box.bottom - ((value - low) / (1 - low)) * (box.bottom - box.top);
    Object.assign(context, { font: "12px system-ui, sans-serif", lineWidth: 1, textBaseline: "middle", textAlign: "right" });
    for (const value of low < 0 ? [-1, 0, 1] : [0, 0.5, 1]) {
      Object.assign(context, { strokeStyle: colors.grid, fillStyle: colors.soft });
      context.strokeRect(box.left, toY(value), box.right - box.left, 0);
      context.fillText(value, box.left - 5, toY(value));
    }
    context.fillStyle = colors.grid;
    if (shown[place - first]) context.fillRect(toX(place - first) - 7, box.top, 14, height - box.top);
    context.textAlign = "center";
    shown.forEach(({ token }, index) => {
      context.font = `${words ? 11 : 13}px ui-monospace, monospace`;
      context.fillStyle = first + index === place ? colors.text : colors.soft;
      context.fillText(visibleToken(reader.alphabet[token]).slice(0, 9), toX(index), height - 14);
    });
    context.font = "12px system-ui, sans-serif";
    kinds.forEach((each, line) => {
      Object.assign(context, { strokeStyle: colors[GATE_LINES[each] ?? "blue"], fillStyle: colors[GATE_LINES[each] ?? "blue"], lineWidth: 2 });
      context.setLineDash(LINE_DASHES[line]);
      context.beginPath();
      shown.forEach((_, index) => context.lineTo(toX(index), toY(reader.traceOf(first + index, each, layer, cell))));
      context.stroke();
      const legend = box.left + 4 + ((box.right - box.left) / 3) * line;
      context.strokeRect(legend, 10, 22, 0);
      context.setLineDash([]);
      shown.forEach((_, index) => {
        context.beginPath();
        context.arc(toX(index), toY(reader.traceOf(first + index, each, layer, cell)), 2.5, 0, 7);
        context.fill();
      });
      Object.assign(context, { fillStyle: colors.text, textAlign: "left" });
      context.fillText(reader.titleOf(each).replace(" gate", ""), legend + 27, 10);
    });
  });
}
