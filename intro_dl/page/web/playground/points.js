/* A learner's own points: by click or from a CSV file, in the address, and back into a file.

Own points are {inputs: [[x1, x2], ...], labels: [...], classes: [names]}. */
"use strict";

const OWN_CLASSES = ["blue", "orange", "green"]; // of points that are clicked, in the order of the class colors
const MOST_CLASSES = 5;
const MOST_POINTS = 5000;
const MOST_POINTS_IN_ADDRESS = 60;
const FEWEST_TO_SPLIT = 20;
const FEWEST_OF_A_CLASS = 3; // that intro-dl train needs: one to train, one for validation, one to test
const OWN_FILE = "points.csv"; // that "Save as CSV" writes, and the command reads

/** Split own points: all train up to 19; from 20 on, every fourth tests. Returns what `drawToyData` returns. */
function splitOwnPoints({ inputs, labels, classes }) {
  const tests = (i) => labels.length >= FEWEST_TO_SPLIT && i % 4 === 3;
  const part = (chosen) => ({
    inputs: inputs.filter((_, i) => chosen(i)),
    labels: labels.filter((_, i) => chosen(i)),
  });
  const train = part((i) => !tests(i));
  const test = part(tests);
  const used = Math.max(2, ...labels.map((label) => label + 1)); // two classes at least, as an empty canvas has
  return { train, test, features: ["x1", "x2"], classes: classes.slice(0, used), scale: scaleOf(train.inputs) };
}

/** Return why own points cannot train yet, as a sentence, or null. */
function whyPointsCannotTrain({ train }) {
  if (new Set(train.labels).size >= 2) return null;
  return "Add points of at least two classes: choose a color, then click into the picture.";
}

/** Return whether intro-dl train can train on own points: three and more of each of at least two classes. */
function fileCanTrain({ labels }) {
  const used = [...new Set(labels)];
  const count = (label) => labels.filter((each) => each === label).length;
  return used.length >= 2 && used.every((label) => count(label) >= FEWEST_OF_A_CLASS);
}

/** Read a CSV text with the columns x1, x2, class. Throws an Error with one sentence if it cannot. */
function parsePointsCsv(text, file) {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  const rows = lines.map((line, i) => ({ number: i + 1, line })).filter(({ line }) => line.trim() !== "");
  if (text.includes("\0"))
    throw new Error(`${file} is not a text file: save the table as CSV (comma-separated values).`);
  if (rows.length === 0) throw new Error(`${file} is empty: write one line for each point, e.g. 0.5,-1.2,blue.`);
  const separator = [";", "\t", ","].find((mark) => rows[0].line.includes(mark)) ?? ",";
  let order = [0, 1, 2]; // the columns of x1, x2 and class
  const header = splitCsvLine(rows[0].line, separator).map((cell) => cell.toLowerCase());
  if (header.some((cell) => ["x1", "x2", "class"].includes(cell))) {
    order = ["x1", "x2", "class"].map((name) => header.indexOf(name));
    const missing = ["x1", "x2", "class"].filter((_, i) => order[i] < 0);
    if (missing.length)
      throw new Error(`${file} has no column ${missing.join(" and no column ")}: name the columns x1, x2, class.`);
    rows.shift();
  }
  if (rows.length > MOST_POINTS) {
    throw new Error(`${file} has ${rows.length} points: keep at most ${MOST_POINTS}, so that the page stays fast.`);
  }
  const inputs = [];
  const names = [];
  for (const { number, line } of rows) {
    const cells = splitCsvLine(line, separator);
    if (cells.length <= Math.max(...order)) {
      throw new Error(
        `Line ${number} of ${file} has ${cells.length} of the 3 columns x1, x2, class: ` +
          "complete it, e.g. 0.5,-1.2,blue.",
      );
    }
    inputs.push([cells[order[0]], cells[order[1]]].map((cell) => readCsvNumber(cell, separator, number, file)));
    if (cells[order[2]] === "")
      throw new Error(`Line ${number} of ${file} has no class: write its name in the third column.`);
    names.push(cells[order[2]]);
  }
  const classes = [...new Set(names)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  if (classes.length < 2)
    throw new Error(
      `${file} has ${classes.length ? "one class" : "no points"}: a classifier needs points of at least 2 classes.`,
    );
  if (classes.length > MOST_CLASSES) {
    throw new Error(`${file} has ${classes.length} classes in its column class: keep at most ${MOST_CLASSES}.`);
  }
  const points = inputs.map((x, i) => ({ x, label: classes.indexOf(names[i]) }));
  new RandomNumbers(0).shuffle(points); // files are often sorted by class, and every fourth point tests
  return { inputs: points.map(({ x }) => x), labels: points.map(({ label }) => label), classes };
}

/** Split a line of a CSV file into cells, without spaces and quotes around them. */
function splitCsvLine(line, separator) {
  return line.split(separator).map((cell) =>
    cell
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .trim(),
  );
}

/** Read a number; where semicolons separate the columns, 0,5 is 0.5. */
function readCsvNumber(cell, separator, line, file) {
  const value = Number(separator === ";" ? cell.replace(",", ".") : cell);
  if (cell === "" || !Number.isFinite(value) || Math.abs(value) > 1e9) {
    throw new Error(
      `Line ${line} of ${file}: "${cell.slice(0, 20)}" is not a number between -1e9 and 1e9. Correct x1 and x2 there.`,
    );
  }
  return value;
}

/** Write points as CSV with the columns x1, x2, class, e.g. "0.5,-1.2,blue". */
function pointsToCsv({ inputs, labels }, classes) {
  const cell = (name) => (/[",;\s]/.test(name) ? `"${name.replaceAll('"', "")}"` : name);
  const lines = inputs.map(([x1, x2], i) => `${x1},${x2},${cell(classes[labels[i]])}`);
  return ["x1,x2,class", ...lines, ""].join("\n");
}

/** Write own points for the address, e.g. "0.5_-1.2_0*1_1_1"; "" if they are too many for it. */
function pointsToAddress({ inputs, labels }) {
  if (labels.length > MOST_POINTS_IN_ADDRESS) return "";
  return inputs.map((x, i) => [...x.map((value) => Number(value.toPrecision(6))), labels[i]].join("_")).join("*");
}

/** Read own points from the address; what is no point is left out. */
function pointsFromAddress(text, names) {
  const classes = OWN_CLASSES.slice();
  names
    .split("*")
    .slice(0, MOST_CLASSES)
    .forEach((name, i) => {
      if (name) classes[i] = name.slice(0, 40);
    });
  const points = { inputs: [], labels: [], classes };
  for (const part of text.split("*").slice(0, MOST_POINTS_IN_ADDRESS)) {
    const [x1, x2, label, ...rest] = part === "" ? [] : part.split("_").map(Number);
    const valid =
      [x1, x2].every((x) => Math.abs(x) <= 1e9) && Number.isInteger(label) && label >= 0 && label < classes.length;
    if (valid && rest.length === 0) {
      points.inputs.push([x1, x2]);
      points.labels.push(label);
    }
  }
  return points;
}
