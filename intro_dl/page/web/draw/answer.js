"use strict";
// What the network reads, what it answers, and which pixels the answer depends on.

const CLASSES_SHOWN = 12; // of more classes, the most probable are shown

/** Return the view {root, why, setRun, show, showWhy}; onTarget(class index, -1 for the answer) after a choice. */
function makeAnswerView({ onTarget }) {
  const seen = makeTileFigure("What the network reads");
  const letter = element("p", { class: "answer-letter" });
  const sentence = element("p", { class: "answer-sentence" });
  const verdict = element("p");
  const bars = probabilityBars({ label: "Probabilities of the classes" });
  const preparation = element("p", { class: "soft preparation" });
  const empty = element("p", { class: "soft" }, "Nothing yet: the sheet is blank.");
  const answer = element("div", {}, element("h3", {}, "It answers"), letter, sentence);
  const root = element("section", { class: "card answer-card" },
    element("div", { class: "reads-and-answers" }, element("div", {}, element("h3", {}, "The network reads"), empty, seen), answer), preparation, verdict, bars);
  const target = element("div");
  const saliency = makeTileFigure("Which pixels the score depends on");
  const why = element("section", { class: "card" }, element("h3", {}, "Which pixels decide"), target, saliency);
  const view = { root, why };

  view.setRun = (run, chosen) => {
    const options = [[-1, "The answer"], ...run.classes.map((name, index) => [index, name])];
    view.list = choice({ label: "Score (logit) of", options, value: chosen, onchange: onTarget });
    target.replaceChildren(view.list);
  };

  /** Show a reading of pixels; null: nothing is drawn. `prepared` says how the drawing was prepared. */
  view.show = (run, reading, pixels, { prepared, example }) => {
    const [, height, width] = run.in_shape;
    seen.hidden = bars.hidden = !reading;
    empty.hidden = Boolean(reading);
    if (reading) seen.setPixels(pixels, run.in_shape, `${width}x${height} pixels`);
    preparation.textContent = reading ? preparationInWords(prepared) : "";
    letter.textContent = reading ? run.classes[reading.answer] : "?";
    letter.classList.toggle("long", letter.textContent.length > 2);
    sentence.replaceChildren(...(reading
      ? [`probability ${percent(reading.probabilities[reading.answer])}`, element("br"), `in ${reading.milliseconds.toFixed(1)} ms`]
      : ["Draw a digit."]));
    verdict.textContent = reading && example ? testImageInWords(run, example) : "";
    verdict.className = example?.mistake ? "mistake" : "soft";
    if (reading) bars.set(barsOfReading(run, reading));
  };

  /** Show the saliency of a class; of the answer if `chosen` is -1. */
  view.showWhy = (run, reading, chosen) => {
    view.list.set(chosen);
    why.hidden = !reading;
    if (!reading) return;
    const index = chosen >= 0 ? chosen : reading.answer;
    const image = saliencyOf(run, reading, index);
    const most = rangeOf(image.data)[1];
    const caption = `|d score of ${run.classes[index]} / d pixel|: bright pixels change the score most (at most ${shortNumber(most)}). One backward pass gives all of them.`;
    saliency.set(image, { size: 168, map: "heat", low: 0, high: most, caption });
  };
  return view;
}

/** Return the sentence about what was done to a drawing; nothing for a test image. */
function preparationInWords({ steps, enlarged }) {
  const words = steps.filter((step) => !step.startsWith("scaled to"));
  if (enlarged) {
    const size = enlarged < 0.95 ? "made smaller, to" : "enlarged";
    words.push(Math.abs(enlarged - 1) < 0.05 ? "cut out: its place on the sheet is lost" : `cut out and ${size} ${enlarged.toFixed(1)} times, lines too: its place on the sheet is lost`);
  }
  return words.length ? `Before the network reads it: ${words.join(", ")}.` : "";
}

/** Return the rows of the bars: all classes in order, or the most probable of many. */
function barsOfReading(run, reading) {
  const rows = run.classes.map((name, index) => ({ name, value: reading.probabilities[index], marked: index === reading.answer }));
  return rows.length <= CLASSES_SHOWN ? rows : rows.sort((a, b) => b.value - a.value).slice(0, CLASSES_SHOWN);
}
