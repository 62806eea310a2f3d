/* The controls for a learner's own points: class and undo above the picture, a CSV file in and out below it. */
"use strict";

const LARGEST_CSV = 1_000_000; // bytes
const POINT_SHAPES = ["circle", "square", "triangle", "diamond", "cross"]; // of the classes

/** Return {above, below, points, chosen, ...}: two rows of controls, and the points and the class that they show.
 *
 * `change(points, restart)` is told new points.
 */
function makeOwnPointsRow(change) {
  const buttons = Array.from({ length: MOST_CLASSES }, (_, label) => {
    const mark = element("span", { "aria-hidden": "true" }, `${MARKER_SIGNS[POINT_SHAPES[label]]} `);
    const text = element("span");
    const made = element("button", { type: "button", onclick: () => row.choose(label) }, mark, text);
    made.style.margin = "0.1rem 0.3rem 0.1rem 0";
    return Object.assign(made, { mark, text });
  });
  const file = element("input", {
    type: "file",
    accept: ".csv,text/csv",
    onchange: () => readOwnFile(row, file, change),
  });
  const mistake = element("p", { class: "mistake", role: "alert", hidden: true });
  const group = element(
    "div",
    { class: "control", role: "group", "aria-label": "Class of the next point" },
    element("span", { class: "label" }, "Class of the next point (keys 1, 2, 3)"),
    element("div", {}, buttons),
  );
  const undo = button("Undo", () =>
    change({ ...row.points, inputs: row.points.inputs.slice(0, -1), labels: row.points.labels.slice(0, -1) }),
  );
  const removeAll = button("Remove all", () =>
    change({ inputs: [], labels: [], classes: OWN_CLASSES.slice() }, true),
  );
  const row = {
    chosen: 0,
    above: controls(group, undo, removeAll),
    below: element(
      "div",
      {},
      element(
        "p",
        { class: "soft" },
        "Click into the picture to add points. " +
          `From ${FEWEST_TO_SPLIT} points on, every fourth one tests (a ring) instead of training. ` +
          `The address keeps up to ${MOST_POINTS_IN_ADDRESS} points, a file keeps all. ` +
          `From ${FEWEST_OF_A_CLASS} points of each class on, the command below trains such a network: press Save as CSV, ` +
          `and run it beside the file ${OWN_FILE}. There 60 % of the points train, 20 % validate and 20 % test.`,
      ),
      controls(
        labelled("CSV file with x1, x2, class", file),
        button("Save as CSV", () => savePoints(row.points)),
      ),
      mistake,
    ),
  };
  row.say = (sentence) => {
    mistake.textContent = sentence;
    mistake.hidden = !sentence;
  };
  row.choose = (label) => {
    if (label >= row.points.classes.length) return;
    row.chosen = label;
    row.show(row.points);
    announce(`Class ${row.points.classes[label]}`);
  };
  row.show = (points) => {
    row.points = points;
    buttons.forEach((each, label) => {
      each.hidden = label >= points.classes.length;
      each.text.textContent = points.classes[label] ?? "";
      each.mark.style.color = `rgb(${classColors()[label]})`;
      each.setAttribute("aria-pressed", String(label === row.chosen));
      each.style.boxShadow = label === row.chosen ? "inset 0 0 0 2px var(--text)" : "";
    });
  };
  row.show({ inputs: [], labels: [], classes: OWN_CLASSES.slice() });
  return row;
}

/** Read the file that was chosen; a bad one gets a sentence, and the points stay. */
async function readOwnFile(row, input, change) {
  const [file] = input.files;
  if (!file) return;
  try {
    if (file.size > LARGEST_CSV)
      throw new Error(
        `${file.name} has ${file.size} bytes: keep at most ${LARGEST_CSV}, which is enough for ${MOST_POINTS} points.`,
      );
    const points = parsePointsCsv(await file.text(), file.name);
    row.say("");
    change(points, true);
  } catch (error) {
    row.say(error.message);
  }
  input.value = ""; // so that the same file can be chosen again after a correction
}

/** Offer points as the file that the command below reads. */
function savePoints(points) {
  const href = `data:text/csv;charset=utf-8,${encodeURIComponent(pointsToCsv(points, points.classes))}`;
  element("a", { href, download: OWN_FILE }).click();
}
