"use strict";
// Drawing for the tab Convolution: matrices as cells, with numbers where they fit.

/** Return a number with at most two digits behind the point, and a real minus sign. */
const cellNumber = (value) => String(Number(value.toFixed(2))).replace("-", "\u2212");

/** Return "rgb(...)" of [red, green, blue]. */
const cssColor = (rgb) => `rgb(${rgb.join(", ")})`;

/** Return a background for a number behind text: orange below 0, blue above, at most 45 % of the color. */
function signTint(value, largest) {
  const { middle, positive, negative } = theme();
  const part = Math.min(1, Math.abs(value) / (largest || 1));
  return cssColor(mixColors(rgbOf(middle), rgbOf(value < 0 ? negative : positive), 0.45 * part));
}

/** Draw a matrix (rows, columns) into a square canvas; a box (row, column, side) is outlined, a frame of zeros is hatched. */
function drawMatrix(canvas, matrix, { map, box, frame = 0 }) {
  const [rows, columns] = matrix.shape;
  const largest = rangeOf(matrix.data.map(Math.abs))[1];
  const [low, high] = map === "signed" ? [-largest, largest] : rangeOf(matrix.data);
  canvas.onDraw((context, size) => {
    const cell = size / Math.max(rows, columns);
    const colors = colorMap(map, low, high);
    Object.assign(context, { textAlign: "center", textBaseline: "middle", font: `${Math.min(16, cell * 0.38)}px system-ui, sans-serif`, lineWidth: 1 });
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = matrix.data[row * columns + column];
        const color = colors(value);
        const [x, y] = [column * cell, row * cell];
        context.fillStyle = cssColor(color);
        context.fillRect(x, y, cell + 0.3, cell + 0.3);
        const inFrame = Math.min(row, column, rows - 1 - row, columns - 1 - column) < frame;
        const ink = 0.3 * color[0] + 0.6 * color[1] + 0.1 * color[2] > 140 ? "#10131a" : "#f4f6fa";
        if (inFrame) drawHatch(context, x, y, cell, ink);
        if (cell < 22) continue;
        context.strokeStyle = theme().line;
        context.strokeRect(x, y, cell, cell);
        context.fillStyle = ink;
        context.fillText(cellNumber(value), x + cell / 2, y + cell / 2);
      }
    }
    outlineBox(context, box.column * cell, box.row * cell, box.side * cell);
  });
}

/** Draw a diagonal stroke in a cell of the zero frame. */
function drawHatch(context, x, y, cell, ink) {
  context.strokeStyle = ink;
  context.globalAlpha = 0.35;
  context.beginPath();
  context.moveTo(x + cell * 0.15, y + cell * 0.85);
  context.lineTo(x + cell * 0.85, y + cell * 0.15);
  context.stroke();
  context.globalAlpha = 1;
}

/** Draw an outline that is visible on dark and on light cells. */
function outlineBox(context, x, y, side) {
  for (const [color, width] of [["#ffffff", 6], ["#c2185b", 3]]) {
    Object.assign(context, { strokeStyle: color, lineWidth: width });
    context.strokeRect(x + 1.5, y + 1.5, Math.max(2, side - 3), Math.max(2, side - 3));
  }
}

/** Return a table that shows terms x * u; .set(terms, side) fills it. */
function termTable() {
  const made = element("table", { class: "terms" });
  let cells = [];
  let shown = [];
  const tint = () => {
    const largest = Math.max(...shown.map(({ product }) => Math.abs(product)));
    cells.forEach((cell, i) => (cell.style.background = signTint(shown[i].product, largest)));
  };
  made.set = (terms, side) => {
    if (cells.length !== terms.length) {
      cells = terms.map(() => element("td", {}, element("span", { class: "factors" }), element("b")));
      const rows = Array.from({ length: side }, (_, row) => element("tr", {}, cells.slice(row * side, (row + 1) * side)));
      made.replaceChildren(element("tbody", {}, rows));
    }
    shown = terms;
    terms.forEach(({ x, u, product }, i) => {
      cells[i].firstChild.textContent = `${cellNumber(x)} \u00d7 ${cellNumber(u)}`;
      cells[i].lastChild.textContent = cellNumber(product);
    });
    tint();
  };
  onTheme(() => cells.length && tint());
  return made;
}

/** Return a square of number fields; onedit gets all weights after an edit. .set(weights, side) fills it. */
function kernelFields(onedit) {
  const made = element("div", { class: "kernel", role: "group", "aria-label": "Weights of the kernel" });
  let inputs = [];
  const tint = () => {
    const largest = Math.max(...inputs.map((input) => Math.abs(Number(input.value))));
    inputs.forEach((input) => (input.style.background = signTint(Number(input.value), largest)));
  };
  const edited = (input, kept) => {
    const value = input.value.trim() === "" ? NaN : Number(input.value);
    if (!(Math.abs(value) <= 100)) {
      announce("Choose a number from -100 to 100.");
      input.value = kept.value;
      return;
    }
    onedit(inputs.map((each) => Number(each.value)));
  };
  made.set = (weights, side) => {
    if (inputs.length !== weights.length) {
      inputs = Array.from(weights, (_, i) => {
        const label = `Weight in row ${Math.floor(i / side)}, column ${i % side}`;
        const kept = { value: "" };
        const input = element("input", { type: "number", step: "any", min: -100, max: 100, inputmode: "decimal", "aria-label": label });
        input.addEventListener("focus", () => (kept.value = input.value));
        input.addEventListener("change", () => edited(input, kept));
        return input;
      });
      made.style.gridTemplateColumns = `repeat(${side}, max-content)`;
      made.replaceChildren(...inputs);
    }
    weights.forEach((value, i) => (inputs[i].value = Number(value.toFixed(3))));
    tint();
  };
  onTheme(() => inputs.length && tint());
  return made;
}
