"use strict";
// Elements of the page and labelled controls.
//
//   element("p", {class: "soft", onclick: action}, "text", child)    strings become text, never markup
//   button, slider, choice, checkbox, numberField, textField         each returns an element with .set(value) and .get();
//                                                                    set() changes the control and calls nothing
//   controls(...), columns(...), card(title, ...)                    the layout of a tab
//   announce("42 % correct")                                         said by a screen reader

/** Return a new element; an attribute that is a function becomes a listener, null or false is left out. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") made.addEventListener(key.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

let countedControls = 0;

/** Return an id that the page does not have yet. */
const newId = () => `control-${++countedControls}`;

/** Return a button with a text; `action` is called on a click. */
function button(text, action, attributes = {}) {
  const made = element("button", { type: "button", onclick: action, ...attributes }, text);
  made.set = (value) => (made.textContent = value);
  made.get = () => made.textContent;
  return made;
}

/** Return a text with a capital letter at its beginning. */
const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Return a control: a label above `input`, and optionally what follows the label. */
function labelled(label, input, besideLabel = []) {
  input.id ||= newId();
  return element("div", { class: "control" }, element("label", { for: input.id }, label, ...besideLabel), input);
}

/** Return a slider; with `log`, equal ways multiply by equal factors (min must be above 0). */
function slider({ label, min, max, step = 1, value, format = String, log = false, oninput }) {
  const toPosition = (x) => (log ? 1000 * (Math.log(x / min) / Math.log(max / min)) : x);
  const toValue = (position) => (log ? Number((min * (max / min) ** (position / 1000)).toPrecision(2)) : position);
  const input = element("input", log ? { type: "range", min: 0, max: 1000, step: "any" } : { type: "range", min, max, step });
  const output = element("output");
  const made = labelled(label, input, [output]);
  output.setAttribute("for", input.id);
  let current = value;
  const show = () => {
    output.textContent = format(current);
    input.setAttribute("aria-valuetext", format(current));
  };
  made.set = (next) => {
    current = next;
    input.value = toPosition(next);
    show();
  };
  made.get = () => current;
  made.setMax = (next) => (input.max = next); // of a slider without log
  input.addEventListener("input", () => {
    current = toValue(Number(input.value));
    show();
    oninput?.(current);
  });
  if (log) {
    input.addEventListener("keydown", (event) => { // an arrow key on "any" would move by 1/1000 of the range
      const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!steps) return;
      event.preventDefault();
      input.value = Number(input.value) + 25 * steps;
      input.dispatchEvent(new Event("input"));
    });
  }
  made.set(value);
  return made;
}

/** Return a drop-down list; options are [value, text] pairs or values, and onchange gets the value itself. .setOptions() */
function choice({ label, options, value, onchange }) {
  let pairs = [];
  const input = element("select");
  const made = labelled(label, input);
  made.setOptions = (next) => {
    pairs = next.map((each) => (Array.isArray(each) ? each : [each, String(each)]));
    input.replaceChildren(...pairs.map(([, text], index) => element("option", { value: index }, text)));
  };
  made.setOptions(options);
  made.set = (next) => (input.selectedIndex = pairs.findIndex(([each]) => each === next));
  made.get = () => pairs[input.selectedIndex]?.[0];
  input.addEventListener("change", () => onchange?.(made.get()));
  made.set(value);
  return made;
}

/** Return a checkbox with its label at its right. */
function checkbox({ label, value = false, onchange }) {
  const input = element("input", { type: "checkbox", id: newId() });
  const made = element("div", { class: "control check" }, element("label", {}, input, label));
  made.set = (next) => (input.checked = next);
  made.get = () => input.checked;
  input.addEventListener("change", () => onchange?.(input.checked));
  made.set(value);
  return made;
}

/** Return a field for a number; a text that is not a number from min to max is marked, explained, and not used. */
function numberField({ label, min = -Infinity, max = Infinity, step = "any", value, onchange, hideLabel = false }) {
  const range = { min: Number.isFinite(min) ? min : null, max: Number.isFinite(max) ? max : null };
  const input = element("input", { type: "number", inputmode: "decimal", step, ...range });
  if (hideLabel) input.setAttribute("aria-label", label);
  const made = hideLabel ? element("div", { class: "control" }, input) : labelled(label, input);
  const mistake = element("span", { class: "mistake", role: "status", hidden: true });
  made.append(mistake);
  const mark = (sentence) => {
    mistake.textContent = sentence;
    mistake.hidden = !sentence;
    if (sentence) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  let current = value;
  made.set = (next) => {
    current = next;
    input.value = next;
    mark("");
  };
  made.get = () => current;
  input.addEventListener("change", () => {
    const typed = input.value.trim() === "" ? NaN : Number(input.value);
    const fits = Number.isFinite(typed) && typed >= min && typed <= max && (step !== 1 || Number.isInteger(typed));
    if (!fits) return mark(`Choose ${step === 1 ? "an integer" : "a number"} ${rangeInWords(min, max)}.`);
    made.set(typed);
    onchange?.(typed);
  });
  made.set(value);
  return made;
}

/** Return "from 0 to 1", "of at least 0" or "of at most 1" or "". */
function rangeInWords(min, max) {
  if (Number.isFinite(min) && Number.isFinite(max)) return `from ${min} to ${max}`;
  return Number.isFinite(min) ? `of at least ${min}` : Number.isFinite(max) ? `of at most ${max}` : "without letters";
}

/** Return a field for a line of text; `oninput` gets the text at each key. */
function textField({ label, value = "", maxlength = 200, oninput, onchange }) {
  const input = element("input", { type: "text", maxlength, autocomplete: "off", spellcheck: "false" });
  const made = labelled(label, input);
  made.set = (next) => (input.value = next);
  made.get = () => input.value;
  input.addEventListener("input", () => oninput?.(input.value));
  input.addEventListener("change", () => onchange?.(input.value));
  made.set(value);
  return made;
}

/** Return a row of controls, a row of columns, a card with a heading. */
const controls = (...children) => element("div", { class: "controls" }, ...children);
const columns = (...children) => element("div", { class: "columns" }, ...children);
const card = (title, ...children) => element("section", { class: "card" }, title ? element("h3", {}, title) : null, ...children);

/** Let a screen reader say a text, when it has finished what it says. */
function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Show a sentence above the tabs, with a button that closes it; an empty sentence hides it. */
function showNotice(sentence) {
  const notice = document.getElementById("notice");
  notice.hidden = !sentence;
  notice.replaceChildren(element("p", {}, sentence), button("Close", () => showNotice("")));
}
