/* The controls of the playground. A change of the data or of the network restarts the training; rate, L2, dropout,
batch size and optimizer act from the next step on. */
"use strict";

/** Return {data, layers, network, training, show(state)}: lists of controls.
 *
 * `change(values, restart)` is told each change.
 */
function makeSettings(tab, change) {
  const state = tab.state;
  const all = {}; // the control of each key of the state
  const restart = (key) => (value) => change({ [key]: value }, true);
  const live = (key) => (value) => change({ [key]: value }, false);
  const pick = (key, label, options, onchange) =>
    (all[key] = choice({ label, options, value: state[key], onchange }));

  const sets = [...Object.entries(TOY_DATA).map(([name, { title }]) => [name, title]), ["own", "Own points"]];
  if (POINT_RUNS.length) sets.push(["run", "Test points of a run"]);
  const noises = Object.entries(TOY_DATA)
    .filter(([, { option }]) => option)
    .map(([name, { option }]) => {
      const oninput = (value) => change({ noise: value === option.value ? "" : String(value) }, true);
      const control = slider({
        label: option.label,
        min: option.low,
        max: option.high,
        step: option.step,
        value: option.value,
        oninput,
      });
      return { name, option, control };
    });
  all.arms = slider({
    label: "Arms, one a class",
    min: 2,
    max: MOST_CLASSES,
    value: state.arms,
    oninput: restart("arms"),
  });
  all.pointSeed = numberField({
    label: "Seed of the points",
    min: 0,
    max: 2 ** 32 - 1,
    step: 1,
    value: state.pointSeed,
    onchange: restart("pointSeed"),
  });
  const data = [
    pick("data", "Data", sets, (value) => change({ data: value, noise: "" }, true)),
    ...noises.map(({ control }) => control),
    all.arms,
  ];

  all.seed = numberField({
    label: "Seed of the weights",
    min: 0,
    max: 2 ** 32 - 1,
    step: 1,
    value: state.seed,
    onchange: restart("seed"),
  });
  const layers = makeLayerControls((hidden) => change({ hidden }, true));
  const network = [
    pick("activation", "Activation", PLAYGROUND_CHOICES.activation, restart("activation")),
    pick("init", "Initial weights", Object.keys(INITIALIZATIONS), restart("init")),
    all.seed,
    all.pointSeed,
  ];

  const optimizers = Object.entries(OPTIMIZERS).map(([name, { title }]) => [name, title]);
  all.rate = slider({
    label: "Learning rate",
    min: SMALLEST_RATE,
    max: LARGEST_RATE,
    log: true,
    value: state.rate,
    oninput: live("rate"),
  });
  all.dropout = slider({
    label: "Dropout",
    min: 0,
    max: 0.9,
    step: 0.05,
    value: state.dropout,
    oninput: live("dropout"),
  });
  const training = [
    pick("points", "Training points", PLAYGROUND_CHOICES.points, restart("points")),
    pick("optimizer", "Optimizer", optimizers, (value) =>
      change({ optimizer: value, rate: OPTIMIZERS[value].defaults.lr }, false),
    ),
    all.rate,
    pick("batch", "Batch size", PLAYGROUND_CHOICES.batch, live("batch")),
    pick("decay", "L2 (weight decay)", PLAYGROUND_CHOICES.decay, live("decay")),
    all.dropout,
  ];

  const show = (next) => {
    for (const [key, control] of Object.entries(all)) control.set(next[key]);
    for (const { name, option, control } of noises) {
      control.hidden = next.data !== name;
      if (next.data === name) control.set(next.noise === "" ? option.value : Number(next.noise));
    }
    all.arms.hidden = next.data !== "spirals";
    all.points.hidden = all.pointSeed.hidden = !(next.data in TOY_DATA);
    layers.set(next.hidden);
  };
  return { data, layers, network, training, show };
}

/** Return the controls of the hidden layers: their number, and the units of each. */
function makeLayerControls(onchange) {
  let hidden = [];
  const units = Array.from({ length: MOST_LAYERS }, (_, index) => {
    const set = (count) => onchange(hidden.map((before, i) => (i === index ? count : before)));
    return makeCounter(`Units of hidden ${index + 1}`, 1, MOST_UNITS, set);
  });
  const layers = makeCounter("Hidden layers", 0, MOST_LAYERS, (count) => {
    onchange(count > hidden.length ? [...hidden, hidden.at(-1) ?? 4] : hidden.slice(0, count));
  });
  const made = controls(layers, ...units);
  made.set = (next) => {
    hidden = next;
    layers.set(next.length);
    units.forEach((unit, index) => {
      unit.hidden = index >= next.length;
      if (!unit.hidden) unit.set(next[index]);
    });
  };
  return made;
}

/** Return a number with a button for less and one for more. */
function makeCounter(label, low, high, onchange) {
  let value = low;
  const id = newId();
  const shown = element("output", { class: "number", "aria-labelledby": id });
  Object.assign(shown.style, { minWidth: "1.6rem", textAlign: "center" });
  const move = (by) => () => (value + by >= low && value + by <= high ? onchange(value + by) : undefined);
  const less = button("−", move(-1), { "aria-label": `${label}: one less` });
  const more = button("+", move(1), { "aria-label": `${label}: one more` });
  const row = element("div", {}, less, shown, more);
  Object.assign(row.style, { display: "flex", alignItems: "center", gap: "0.3rem" });
  const made = element(
    "div",
    { class: "control", role: "group", "aria-labelledby": id },
    element("span", { class: "label", id }, label),
    row,
  );
  made.set = (next) => {
    value = next;
    shown.textContent = next;
    less.setAttribute("aria-disabled", String(next === low)); // not disabled: the focus stays on the button
    more.setAttribute("aria-disabled", String(next === high));
  };
  return made;
}
