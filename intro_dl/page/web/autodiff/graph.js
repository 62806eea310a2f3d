"use strict";
/*
 * The computational graph of a formula, drawn from left to right: a box for each step w1, w2, ..., an edge for each use
 * of a value, and on the edge the local derivative. Boxes and edges fill in as one steps through `trace.js`.
 *
 * Lecture 004, "Organize as a computational Graph". A box stands in the column after its last operand. An edge that
 * crosses a column gets a row of its own there, so that it passes between the boxes.
 */

const GRAPH_BOX = { width: 168, height: 72, column: 250, row: 96, margin: 14 };

/** Make an SVG element; children are elements or strings. */
function svgElement(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Place the steps: {columns: (steps), boxes: (steps) of {x, y}, turns: Map "step@column" -> {x, y}, width, height}. */
function layoutSteps(steps) {
  const columns = [];
  for (const { local } of steps) columns.push(Math.max(-1, ...local.map(({ operand }) => columns[operand])) + 1);
  const farthest = [...columns]; // the last column before a use of the value
  steps.forEach(({ local }, user) => {
    for (const { operand } of local) farthest[operand] = Math.max(farthest[operand], columns[user] - 1);
  });

  const rows = new Map(); // "step@column" -> row, 0 is the middle
  for (let column = 0; column <= Math.max(...columns); column++) {
    const here = steps.flatMap((step, index) => (columns[index] <= column && column <= farthest[index] ? [index] : []));
    if (!here.includes(steps.length - 1) && columns[steps.length - 1] === column) here.push(steps.length - 1);
    const wish = (index) => { // the mean row of where its edges come from
      if (columns[index] < column) return rows.get(`${index}@${column - 1}`);
      const from = steps[index].local.map(({ operand }) => rows.get(`${operand}@${column - 1}`));
      return from.length ? from.reduce((sum, row) => sum + row, 0) / from.length : index;
    };
    here.sort((a, b) => wish(a) - wish(b) || a - b);
    here.forEach((index, place) => rows.set(`${index}@${column}`, place - (here.length - 1) / 2));
  }

  const [top, bottom] = [Math.min(...rows.values()), Math.max(...rows.values())];
  const { width, height, column, row, margin } = GRAPH_BOX;
  const place = (index, at) => ({
    x: margin + at * column,
    y: margin + height / 2 + (rows.get(`${index}@${at}`) - top) * row,
  });
  return {
    columns,
    place,
    width: 2 * margin + Math.max(...columns) * column + width + 44, // 44 for the arrow to z
    height: 2 * margin + (bottom - top) * row + height,
  };
}

/** Draw the edge from a step to a user of it as a smooth path, and return {path, label: {x, y}}, the end of its label. */
function edgePath(layout, from, to, entry) {
  const { width } = GRAPH_BOX;
  const points = [];
  for (let at = layout.columns[from]; at < layout.columns[to]; at++) {
    const { x, y } = layout.place(from, at);
    if (at > layout.columns[from]) points.push({ x, y });
    points.push({ x: x + width, y });
  }
  const end = layout.place(to, layout.columns[to]);
  points.push({ x: end.x, y: end.y + entry });
  let path = `M ${points[0].x} ${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    const middle = (a.x + b.x) / 2;
    path += ` C ${middle} ${a.y} ${middle} ${b.y} ${b.x} ${b.y}`;
  }
  return { path, label: { x: end.x - 8, y: end.y + entry } }; // before the box, where no other edge ends
}

/**
 * Draw the graph. Returns {svg, show(filled)}, where filled = {values: Set of steps, derivatives: Map step -> text,
 * current: step or null, mode: "forward" | "reverse"}.
 */
function drawTraceGraph(steps) {
  const layout = layoutSteps(steps);
  const { width, height } = GRAPH_BOX;
  const svg = svgElement("svg", {
    viewBox: `0 0 ${layout.width} ${layout.height}`, role: "img", class: "trace-graph",
  });
  Object.assign(svg.style, { minWidth: `${layout.width / 19}rem`, width: `min(100%, ${layout.width / 11}rem)` }); // as large as it fits
  const edges = [];
  const boxes = [];
  steps.forEach(({ local }, user) => {
    const merged = new Map(); // w1 * w1 has one edge with two labels
    for (const { operand, value } of local) merged.set(operand, [...(merged.get(operand) ?? []), traceNumber(value)]);
    [...merged].sort(([a], [b]) => layout.place(a, layout.columns[user] - 1).y - layout.place(b, layout.columns[user] - 1).y)
      .forEach(([operand, values], index) => {
        const entry = merged.size === 1 ? 0 : 32 * index - 16;
        const { path, label } = edgePath(layout, operand, user, entry);
        const line = svgElement("path", { d: path, class: "trace-edge" });
        const text = svgElement("text", { x: label.x, y: label.y - 5, class: "trace-slope" }, values.join(" and "));
        edges.push({ operand, user, line, text });
      });
  });
  steps.forEach((step, index) => {
    const { x, y } = layout.place(index, layout.columns[index]);
    const center = x + width / 2;
    const line = (offset, className, text = "") => svgElement("text", { x: center, y: y + offset, class: className }, text);
    const frame = svgElement("rect", { x, y: y - height / 2, width, height, rx: 8, class: "trace-box" });
    const title = line(-15, "trace-title", `${step.name} = ${step.formula}`);
    if (title.textContent.length > 20) { // a long formula is squeezed into its box
      title.setAttribute("textLength", width - 10);
      title.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
    boxes.push({ frame, title, value: line(6, "trace-value"), derivative: line(26, "trace-derivative") });
  });
  const last = layout.place(steps.length - 1, Math.max(...layout.columns));
  const out = `M ${last.x + width} ${last.y} h 20`;
  svg.append(svgElement("path", { d: out, class: "trace-edge" }));
  svg.append(svgElement("text", { x: last.x + width + 32, y: last.y + 5, class: "trace-title" }, "z"));
  svg.append(...edges.flatMap(({ line, text }) => [line, text]));
  for (const { frame, title, value, derivative } of boxes) svg.append(frame, title, value, derivative);

  const show = ({ values, derivatives, current, mode }) => {
    boxes.forEach(({ frame, value, derivative }, index) => {
      value.textContent = values.has(index) ? `= ${traceNumber(steps[index].value)}` : "";
      derivative.textContent = derivatives.get(index) ?? "";
      frame.classList.toggle("known", values.has(index));
      frame.classList.toggle(mode, derivatives.has(index));
      frame.classList.remove(mode === "forward" ? "reverse" : "forward");
      frame.classList.toggle("current", index === current);
    });
    const backward = mode === "reverse" && derivatives.has(current);
    for (const { operand, user, line, text } of edges) {
      line.classList.toggle("current", backward ? operand === current : user === current);
      text.textContent = values.has(user) ? text.dataset.text : "";
    }
  };
  for (const { text } of edges) text.dataset.text = text.textContent;
  return { svg, show };
}
