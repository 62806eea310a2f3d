"use strict";
/*
 * The tab "Autodiff": the slides' example z = sin(x1) + x1 x2 at (2, 3), or one's own formula, one step at a time.
 *
 * Lecture 004, from "Problem: Compute gradients of z with respect to inputs {x1, x2}" to "For each output, can compute
 * the gradient w.r.t. all inputs in one pass!"; figure G38.
 */

const SLIDES_FORMULA = "sin(x1) + x1*x2";
const MOST_MOMENTS = 2 * FORMULA_LIMITS.steps;

addTab({
  name: "autodiff",
  title: "Autodiff",
  sentence:
    "Press Next and watch a formula become a graph: first its values, then its derivatives, each from one local derivative " +
    "on each edge. Count the passes that each mode needs for all derivatives.",
  tries: [
    ["One pass back, all derivatives", { mode: "reverse", step: 10 }],
    ["Forward mode for x2", { mode: "x2", step: 5 }],
    ["A neuron and its loss", { formula: "(sigmoid(w*x + b) - y)^2", at: [0.1, 0.5, 2, 1], step: 18 }],
    ["A gradient that vanishes in ten sigmoids", { formula: "sigmoid(".repeat(10) + "x" + ")".repeat(10), at: [1], step: 22 }],
  ],
  defaults: { formula: SLIDES_FORMULA, at: [2, 3], mode: "reverse", step: 0 },
  check: (state) => ({
    ...state,
    formula: state.formula.slice(0, FORMULA_LIMITS.characters + 1),
    at: state.at.slice(0, FORMULA_LIMITS.variables).map((value) => between(value, -1e6, 1e6, 1)),
    step: Number.isInteger(state.step) ? between(state.step, 0, MOST_MOMENTS, 0) : 0,
  }),
  build: buildAutodiff,
});

const isSlidesFormula = (text) => text.replaceAll(/\s/g, "") === SLIDES_FORMULA.replaceAll(" ", "");

/** Read a formula; for that of the slides, compute the product before the sine, as they do. */
function readForTrace(text) {
  return readFormula(isSlidesFormula(text) ? "x1*x2 + sin(x1)" : text);
}

function buildAutodiff(panel, tab) {
  const known = new Map(); // the values that were chosen for each variable, also of earlier formulas
  let read = readForTrace(SLIDES_FORMULA);
  let steps = [];
  let walk = null;
  let graph = null;
  let timer = 0;

  const formula = textField({ label: "Formula, z =", maxlength: FORMULA_LIMITS.characters, oninput: (text) => changeFormula(text) });
  formula.classList.add("wide");
  const mistake = element("p", { class: "notice", role: "status", hidden: true }); // in the formula
  const broken = element("p", { class: "notice", role: "status", hidden: true }); // a number of the graph
  const inputs = element("div", { class: "controls" });
  const sentence = element("p", { class: "trace-sentence" });
  const found = element("p", { class: "trace-found" });
  const drawing = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Graph; arrow keys step" });
  const values = traceTable("Values", ["Step", "Numbers", "Value", "Local derivatives"]);
  const derivatives = traceTable("Derivatives", ["Chain rule"]);
  const costs = traceTable("What all derivatives of z cost", ["Mode", "Passes", "Multiplications"]);
  const back = button("Back", () => go(tab.state.step - 1));
  const next = button("Next", () => go(tab.state.step + 1), { class: "primary" });
  const play = button("Play", () => (timer ? pause() : start()));
  const all = button("All", () => go(walk.moments.length));
  const restart = button("Restart", () => go(0));
  const buttons = controls(next, back, play, all, restart);

  /** Show a sentence about the formula; "" hides it. */
  const complain = (text) => {
    mistake.textContent = text;
    mistake.hidden = text === "";
    const input = formula.querySelector("input");
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };

  /** Read the formula of the state; keep the old graph if there is a mistake in it. */
  const readState = () => {
    try {
      const found = readForTrace(tab.state.formula);
      traceSteps(found.tree, found.variables, {}); // refuses too many steps
      read = found;
      complain("");
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      complain(error.message);
      return;
    }
    read.variables.forEach((name, index) => known.set(name, tab.state.at[index] ?? known.get(name) ?? 1));
    showControls();
    trace();
  };

  const changeFormula = (text) => {
    pause();
    try {
      const { variables } = readForTrace(text);
      const mode = variables.includes(tab.state.mode) ? tab.state.mode : "reverse";
      tab.remember({ formula: text, at: variables.map((name) => known.get(name) ?? 1), mode, step: 0 });
    } catch {
      tab.remember({ formula: text, step: 0 });
    }
    readState();
  };

  const showControls = () => {
    const { variables } = read;
    if (!["reverse", ...variables].includes(tab.state.mode)) tab.remember({ mode: "reverse" });
    const fields = variables.map((name) =>
      numberField({
        label: name, min: -1e6, max: 1e6, value: known.get(name),
        onchange: (value) => {
          known.set(name, value);
          tab.remember({ at: variables.map((each) => known.get(each)) });
          trace();
        },
      }));
    const options = [["reverse", "Reverse: one pass back from z"], ...variables.map((name) => [name, `Forward: the pass for ${name}`])];
    const mode = choice({
      label: "Mode", options, value: tab.state.mode,
      onchange: (chosen) => {
        pause();
        tab.remember({ mode: chosen, step: 0 });
        trace();
      },
    });
    inputs.replaceChildren(...fields, mode);
  };

  /** Compute all numbers at the chosen point, and draw the graph. */
  const trace = () => {
    const point = Object.fromEntries(read.variables.map((name) => [name, known.get(name)]));
    steps = traceSteps(read.tree, read.variables, point);
    walk = walkOf(steps, read.variables, tab.state.mode);
    graph = drawTraceGraph(steps);
    drawing.replaceChildren(graph.svg);
    broken.textContent = brokenSentence(steps);
    broken.hidden = broken.textContent === "";
    costs.fill(costsOf(steps, read.variables));
    const slides = isSlidesFormula(tab.state.formula) && point.x1 === 2 && point.x2 === 3;
    tab.command(slides ? "intro-dl lectures id=N18,N19,N20" : null, torchCommand(read.tree, read.variables, point));
    show();
  };

  const show = () => {
    const { moments, lines, labels, order } = walk;
    const step = Math.min(tab.state.step, moments.length);
    const reached = moments.slice(0, step);
    const stepsOf = (...kinds) => new Set(reached.filter(({ adds }) => kinds.includes(adds)).map((each) => each.step));
    const [evaluated, derived] = [stepsOf("value", "both"), stepsOf("derivative", "both")];
    const current = reached.at(-1)?.step ?? null;
    const mode = tab.state.mode === "reverse" ? "reverse" : "forward";
    graph.show({ values: evaluated, derivatives: new Map([...derived].map((index) => [index, labels[index]])), current, mode });
    graph.svg.setAttribute("aria-label", `Graph of ${steps.length} steps, ${evaluated.size} evaluated, ${derived.size} with a derivative`);

    const slopes = ({ name, local }) => local.map((each) => localLine(name, steps[each.operand].name, each)).join(",  ");
    values.fill(steps.map((each, index) => {
      const formula = `${each.name} = ${each.formula}`;
      return evaluated.has(index) ? [formula, each.numbers, traceNumber(each.value), slopes(each)] : [formula, "", "", ""];
    }), evaluated.has(current) && !(mode === "reverse" && derived.size) ? current : null);
    derivatives.fill(order.map((index) => [derived.has(index) ? lines[index] : ""]), derived.size ? order.indexOf(current) : null);

    const done = step === moments.length;
    sentence.textContent = step === 0 ? "Press Next: the inputs come first." : reached.at(-1).text;
    found.textContent = done ? walk.end : "";
    for (const each of [back, restart]) each.setAttribute("aria-disabled", String(step === 0)); // it keeps the focus
    for (const each of [next, play, all]) each.setAttribute("aria-disabled", String(done));
    if (done) pause();
    const box = drawing.querySelector(".trace-box.current")?.getBoundingClientRect();
    const frame = drawing.getBoundingClientRect();
    if (box) drawing.scrollLeft += (box.left + box.right - frame.left - frame.right) / 2; // the current box in the middle
  };

  const go = (step) => {
    tab.remember({ step: Math.max(0, Math.min(step, walk.moments.length)) });
    show();
    announce(`${sentence.textContent}. ${found.textContent}`);
  };

  const start = () => {
    play.set("Pause");
    timer = setInterval(() => go(tab.state.step + 1), 1200);
    go(tab.state.step + 1);
  };
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    play.set("Play");
  };
  tab.onHide(pause);

  for (const part of [drawing, buttons]) {
    part.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      pause();
      go(tab.state.step + move);
    });
  }

  const network =
    "The loss of a network is one output, and its weights are the inputs. For the 61,706 weights of LeNet, forward mode needs " +
    "61,706 passes. Reverse mode needs one: back-propagation.";
  panel.append(
    controls(formula), mistake, inputs, broken, buttons, sentence, found, drawing,
    columns(card("Values", values), card("Derivatives", derivatives), card("What all derivatives of z cost", costs, element("p", {}, network))),
  );
  const follow = () => {
    pause();
    formula.set(tab.state.formula);
    readState();
  };
  tab.onState(follow);
  follow();
  if (!walk) trace(); // the address has a mistake in its formula: show the slides' graph below the sentence
}

/** Write a local derivative: dw3/dw1 = w2 = 3. */
function localLine(name, operand, { formula, value }) {
  const number = traceNumber(value);
  return `d${name}/d${operand} = ${formula === number ? number : `${formula} = ${number}`}`;
}

/** Return a table with .fill(rows, current): rows of texts, and the number of the row to mark. */
function traceTable(label, heads) {
  const body = element("tbody");
  const table = element("table", { class: "trace-table" }, element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))), body);
  const made = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
  made.fill = (rows, current = null) => {
    body.replaceChildren(...rows.map((row, index) =>
      element("tr", { class: index === current ? "current" : null }, row.map((text) => element("td", {}, text || "\u00a0")))));
  };
  return made;
}
