"use strict";
// All networks of the page on one drawing, side by side: my model against yours.

/** Return the runs that can be compared with `run`: they tell the same classes apart and read the same kind of image. */
function comparableRuns(run) {
  const same = (other) => String(other.classes) === String(run.classes) && readsDrawings(other) === readsDrawings(run);
  return RUNS.filter((other) => classifiesImages(other) && same(other) && (readsDrawings(run) || String(other.in_shape) === String(run.in_shape)));
}

/** Return the table: {root, show(run, image, reading)}; `reading` is that of the run, null hides the table. */
function makeComparison() {
  const table = element("table", { class: "comparison" });
  const root = element("section", { class: "card", hidden: true }, element("h3", {}, "All networks on this image"), element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Comparison of the networks" }, table));
  const show = (run, image, reading) => {
    const runs = comparableRuns(run);
    root.hidden = !reading || runs.length < 2;
    if (root.hidden) return;
    const pixelsFor = (each) => (readsDrawings(each) ? prepareOnce(image, each).pixels : image.data);
    const readings = runs.map((each) => (each === run ? reading : readPixels(each, pixelsFor(each))));
    const cell = (its, index) => {
      const value = its.probabilities[index];
      const made = element("td", { class: index === its.answer ? "answer" : null }, percent(value));
      made.style.setProperty("--part", `${100 * value}%`);
      return made;
    };
    table.replaceChildren(
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Class"), runs.map((each) => element("th", { scope: "col" }, titleOfRun(each))))),
      element("tbody", {}, run.classes.map((name, index) => element("tr", {}, element("th", { scope: "row" }, name), readings.map((its) => cell(its, index))))),
      element("tfoot", {}, element("tr", {}, element("th", { scope: "row" }, "Time"), readings.map((its) => element("td", {}, `${its.milliseconds.toFixed(1)} ms`)))),
    );
  };
  return { root, show };
}
