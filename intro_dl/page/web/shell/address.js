"use strict";
// The state of a tab in the address: #playground?hidden=8,8&rate=0.03
//
// Only values that differ from the tab's defaults are written. The type of a default says how a text is read: a number,
// true or false, a text, or a list separated by commas. A value that cannot be used is replaced by its default, and a
// sentence says so. For a tab's own check(state): between and wholeBetween(value, low, high, otherwise),
// oneOf(value, allowed, otherwise).

const LONGEST_ADDRESS = 8000;

/** Return `value` if it is in [low, high], else `otherwise`. */
const between = (value, low, high, otherwise) => (value >= low && value <= high ? value : otherwise);

/** Return `value` if it is an integer in [low, high], else `otherwise`. */
const wholeBetween = (value, low, high, otherwise) => (Number.isInteger(value) ? between(value, low, high, otherwise) : otherwise);

/** Return `value` if it is one of `allowed`, else `otherwise`. */
const oneOf = (value, allowed, otherwise) => (allowed.includes(value) ? value : otherwise);

/** Return the value that `text` means, of the same type as `example`; undefined if it has another type. */
function valueOfText(text, example) {
  if (Array.isArray(example)) {
    const parts = text === "" ? [] : text.split(",");
    const values = parts.map((part) => valueOfText(part, example[0] ?? 0));
    return values.includes(undefined) ? undefined : values;
  }
  if (typeof example === "number") {
    const number = text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(number) ? number : undefined;
  }
  if (typeof example === "boolean") return { true: true, false: false }[text];
  return text;
}

/** Return {name, values: Map key -> text, problem} of an address's part after #. */
function readAddress(hash) {
  const text = hash.replace(/^#/, "");
  if (text.length > LONGEST_ADDRESS) {
    const problem = `The address has ${text.length} characters, and at most ${LONGEST_ADDRESS} are read: the page starts with its defaults.`;
    return { name: "", values: new Map(), problem };
  }
  const cut = text.indexOf("?");
  const name = cut < 0 ? text : text.slice(0, cut);
  const values = new Map(new URLSearchParams(cut < 0 ? "" : text.slice(cut + 1)));
  return { name, values, problem: "" };
}

/** Return a text of the address, shortened for a sentence. */
const shortened = (text) => (text.length > 40 ? `${text.slice(0, 40)}...` : text);

/** Return {state, sentences}: the defaults of a tab and what the address says, checked by the tab. */
function stateOfAddress(values, defaults, check = null) {
  const state = structuredClone(defaults);
  const sentences = [];
  for (const [key, text] of values) {
    if (!Object.hasOwn(defaults, key)) {
      sentences.push(`The address has ${shortened(key)}=${shortened(text)}, which this tab does not know.`);
      continue;
    }
    const value = valueOfText(text, defaults[key]);
    if (value === undefined) sentences.push(replacedInWords(key, text, defaults[key]));
    else state[key] = value;
  }
  const asked = structuredClone(state);
  let accepted;
  try {
    accepted = check?.(state) ?? state;
  } catch (error) {
    return { state: structuredClone(defaults), sentences: [`${error.message} The tab starts with its defaults.`] };
  }
  for (const key of Object.keys(asked)) {
    if (values.has(key) && String(accepted[key]) !== String(asked[key])) {
      sentences.push(replacedInWords(key, values.get(key), accepted[key]));
    }
  }
  return { state: accepted, sentences };
}

/** Return the sentence about a value that was replaced. */
function replacedInWords(key, text, used) {
  return `The address has ${key}=${shortened(text)}, which this tab cannot use: it uses ${key}=${shortened(String(used))}.`;
}

/** Return the address of a tab: its name, and each value that differs from its default. */
function addressOf(name, state, defaults) {
  const values = new URLSearchParams();
  for (const key of Object.keys(defaults)) {
    if (String(state[key]) !== String(defaults[key])) values.set(key, String(state[key]));
  }
  const text = values.toString().replaceAll("%2C", ",");
  return `#${name}${text && "?"}${text}`;
}

// Safari allows 100 changes of the address in 30 seconds: after 40, they wait until the hand is still.
const addressWrites = { times: [], timer: 0, waiting: "" };

/** Write an address without a new step for Back; a long one or too fast a sequence is written later or not at all. */
function writeAddress(hash) {
  const { times } = addressWrites;
  const now = performance.now();
  while (times.length && now - times[0] > 30000) times.shift();
  addressWrites.waiting = hash;
  clearTimeout(addressWrites.timer);
  if (times.length < 40) writeWaitingAddress();
  else addressWrites.timer = setTimeout(writeWaitingAddress, 600);
}

/** Write the address that waits, if one does. */
function writeWaitingAddress() {
  const hash = addressWrites.waiting;
  clearTimeout(addressWrites.timer);
  addressWrites.waiting = "";
  if (!hash || hash.length > LONGEST_ADDRESS || hash === location.hash) return;
  addressWrites.times.push(performance.now());
  setAddress(hash, false);
}

/** Set the address, with a new step for Back or without; a browser may refuse it, and the page works without. */
function setAddress(hash, asNewStep) {
  try {
    if (asNewStep) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
  } catch {
    announce("This browser does not change the address of a file.");
  }
}
addEventListener("pagehide", writeWaitingAddress);
