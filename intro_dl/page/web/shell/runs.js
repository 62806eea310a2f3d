"use strict";
// The runs that the page was made of, and the control that chooses one.
//
//   RUNS                                  all entries, as intro_dl/page/content.py describes them
//   chooseRun(tab, filter, onchange)      a control for the runs with filter(entry); .run is the chosen entry or null.
//                                         It keeps `run` in the tab's state and address (each tab has run: 0 among its
//                                         defaults), shows the run's command, and calls onchange(entry) after a change.

const CONTENT = JSON.parse(document.getElementById("content")?.textContent || '{"runs": []}');
const RUNS = CONTENT.runs;

/** Return "accuracy 0.983 on 360 test examples" of an entry's result. */
function resultInWords({ result }) {
  if (!result) return "";
  const measure = ["bits_per_char", "bits_per_word", "accuracy", "loss"].find((name) => Number.isFinite(result[name]));
  if (!measure) return "";
  const tokens = { bits_per_char: "characters", bits_per_word: "words" }[measure] ?? "examples";
  const on = result.examples ? ` on ${result.examples.toLocaleString("en")} ${result.split ?? "test"} ${tokens}` : "";
  return `${measure.replaceAll("_", " ")} ${shortNumber(result[measure])}${on}`;
}

/** Return the title of an entry; with its run's path if another run has the same title. */
function titleOfRun(entry) {
  const same = RUNS.filter((other) => other.title === entry.title).length > 1;
  return same && entry.run ? `${entry.title} (${entry.run})` : entry.title;
}

/** Return the control that picks one of the runs, and shows its result and its command. */
function chooseRun(tab, filter = () => true, onchange = null) {
  const fitting = RUNS.filter(filter);
  const result = element("p", { class: "soft" });
  const made = element("div", { class: "run" });
  const show = () => {
    result.textContent = made.run ? [resultInWords(made.run), made.run.parameters && `${made.run.parameters.toLocaleString("en")} parameters`].filter(Boolean).join(", ") : "";
    if (made.run?.command) tab.command(made.run.command);
  };
  made.set = (index) => {
    made.run = fitting.includes(RUNS[index]) ? RUNS[index] : (fitting[0] ?? null);
    list?.set(made.run);
    show();
  };
  made.get = () => RUNS.indexOf(made.run);
  const list = !fitting.length ? null : choice({
    label: "Run",
    options: fitting.map((entry) => [entry, titleOfRun(entry)]),
    value: fitting[0],
    onchange: (entry) => {
      made.set(RUNS.indexOf(entry));
      tab.remember({ run: made.get() });
      onchange?.(entry);
    },
  });
  if (list) made.append(list, result);
  else made.append(element("p", {}, "The page was made without a run for this tab. Make one with ", element("code", {}, "intro-dl page <directory of a run>")));
  made.set(tab.state.run ?? 0);
  return made;
}

/** Return the header's sentence about the runs, as nodes. */
function shownRunsInWords() {
  const titles = RUNS.map(titleOfRun).join(", ");
  const own = [" Show your own: ", element("code", {}, "intro-dl page <directory of a run>")];
  if (RUNS.some((entry) => !entry.shipped)) return [`Shown: ${titles}.`];
  return titles ? [`Shown: ${titles}, which come with intro_dl.`, ...own] : own;
}
