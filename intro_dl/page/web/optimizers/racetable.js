/*
 * The table of the race: who takes part, the rate of each, and how far each has come.
 */
"use strict";

/** Return {box, setUp(race), update(race)}; `change(values)` is called when a rate or a participant changes. */
function raceTable(tab, change) {
  const rows = Object.fromEntries(RACER_NAMES.map((name) => [name, raceRow(tab, name, change)]));
  const notes = element("div");
  const heads = ["optimizer and rate", "f", "distance", "arrived"].map((text) => element("th", { scope: "col" }, text));
  const body = element("tbody", {}, RACER_NAMES.map((name) => rows[name].element));
  let shownSentences = "";
  const box = element("div", {},
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, heads)), body)),
    notes,
    element("p", { class: "soft" }, `Distance: to the nearest minimum. Arrived: the first step with f less than ${RACE_THRESHOLD} above the minimum.`));
  return {
    box,
    setUp(race) {
      const rates = raceSetup(tab.state).rates;
      for (const name of RACER_NAMES) rows[name].setUp(race.racers.some((racer) => racer.name === name), rates[name]);
    },
    update(race) {
      for (const racer of race.racers) rows[racer.name].update(racer);
      const sentences = raceSentences(race);
      if (sentences.join() !== shownSentences) notes.replaceChildren(...sentences.map((sentence) => element("p", {}, sentence)));
      shownSentences = sentences.join();
    },
  };
}

/** Return one row of the table. */
function raceRow(tab, name, change) {
  const { title } = OPTIMIZERS[name];
  const glyph = element("span", { "aria-hidden": "true" }, `${MARKER_SIGNS[RACERS[name].marker]} `);
  const takesPart = checkbox({
    label: title,
    onchange: (on) => {
      const racers = RACER_NAMES.filter((other) => (other === name ? on : tab.state.racers.includes(other)));
      if (racers.length) change({ racers });
      else takesPart.set(true); // a race needs one
    },
  });
  takesPart.querySelector("label").append(glyph);
  const rate = numberField({
    label: `Rate of ${title}`, hideLabel: true, min: 1e-6, max: 1000, value: 0.1,
    onchange: (value) => change({ rates: ownRates(tab.state).map((old, k) => (RACER_NAMES[k] === name ? value / tab.state.factor : old)) }),
  });
  const [value, distance, arrived] = ["", "", ""].map(() => element("td", { class: "number" }));
  const head = element("th", { scope: "row" }, takesPart, rate);
  Object.assign(head.style, { display: "flex", flexWrap: "wrap", columnGap: "1rem", justifyContent: "space-between" });
  const paint = () => (glyph.style.color = RACERS[name][theme().name]);
  paint();
  onTheme(paint);
  return {
    element: element("tr", {}, head, value, distance, arrived),
    setUp(on, lr) {
      takesPart.set(on);
      rate.set(Number(lr.toPrecision(6)));
      if (!on) for (const cell of [value, distance, arrived]) cell.textContent = "";
    },
    update(racer) {
      value.textContent = shortNumber(racer.values.at(-1));
      distance.textContent = shortNumber(racer.distance());
      arrived.textContent = racer.arrived === null ? "not yet" : `step ${racer.arrived}`;
    },
  };
}
