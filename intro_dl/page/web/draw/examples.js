"use strict";
// The test images of a run to load, class by class, and its worst mistakes with the true class.

/** Return the test images of a run; none if its data were not on the computer that made the page. */
const examplesOf = (run) => run.examples ?? [];

const decodedExamples = new WeakMap();

/** Return the pixels (C*H*W) of an example of a run. */
function pixelsOfExample(example) {
  if (!decodedExamples.has(example)) decodedExamples.set(example, decodeBase64(example.pixels));
  return decodedExamples.get(example);
}

/** Return "The network says 5, it is a 3." of an example. */
function testImageInWords(run, { label, predicted }) {
  const [truth, answer] = [run.classes[label], run.classes[predicted]];
  if (label === predicted) return `A test image: it is ${truth}.`;
  return `A test image, and a mistake: the network says ${answer}, it is ${truth}.`;
}

/** Return the list of examples: {root, show(run, chosen)}; onChoose(index) after a click. */
function makeExamplesView({ onChoose }) {
  const root = element("div", { class: "examples" });
  const view = { root, run: null };
  view.show = (run, chosen) => {
    if (view.run !== run) {
      view.run = run;
      const buttons = examplesOf(run).map((example, index) => exampleButton(run, example, () => onChoose(index)));
      const mistakes = buttons.filter((_, index) => examplesOf(run)[index].mistake);
      const usual = buttons.filter((_, index) => !examplesOf(run)[index].mistake);
      root.hidden = buttons.length === 0;
      root.replaceChildren(
        element("h3", {}, "Test images"),
        element("div", { class: "tiles" }, usual),
        mistakes.length ? element("h3", {}, "Its worst mistakes") : null,
        mistakes.length ? element("div", { class: "tiles mistakes" }, mistakes) : null,
      );
      view.buttons = buttons;
    }
    view.buttons.forEach((each, index) => each.setAttribute("aria-pressed", String(index === chosen)));
  };
  return view;
}

/** Return the button of one example; a mistake shows answer and truth. */
function exampleButton(run, example, action) {
  const tile = canvasOfPixels(pixelsOfExample(example), run.in_shape);
  tile.className = "tile thumbnail";
  const [truth, answer] = [run.classes[example.label], run.classes[example.predicted]];
  const words = example.mistake ? `says ${answer}, is ${truth}` : `${truth}`;
  const attributes = { type: "button", onclick: action, "aria-label": `Load a test image: ${words}`, title: words };
  return element("button", attributes, tile, example.mistake ? element("span", { class: "verdict" }, `says ${answer}`, element("br"), `is ${truth}`) : null);
}
