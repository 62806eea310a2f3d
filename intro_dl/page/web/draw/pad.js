"use strict";
// The sheet to draw on: by mouse, pen, finger or keyboard. It shows strokes, or one example of the run.
//
//   const pad = makeDrawingPad({onChange(finished) {...}})   `finished` is false while a stroke is being drawn
//   pad.strokes, pad.example                                  what is shown; example is {index, pixels, shape} or null
//   pad.show({strokes, example}), pad.clear(), pad.undo()     show() and clear() can be undone too
//   pad.reset({strokes, example})                             the same as show(), without a way back
//   pad.setPen(22)                                            the width of the pen, for the strokes that are there too
//   pad.allow(true)                                           whether one can draw: not for photographs
//   pad.image(), pad.paintFixed()                               the strokes as the network and the PNG have them: a grey image, a canvas

const KEY_MOVE = 10; // pixels of an arrow key

/** Return the sheet: {root, canvas, ...} as above. */
function makeDrawingPad({ onChange }) {
  const label = "Sheet to draw on. Arrow keys move the pen, Space puts it down and lifts it.";
  const canvas = makeCanvas({ width: SHEET_SIZE, height: SHEET_SIZE, label, interactive: true }); // as sharp as the screen
  canvas.classList.add("sheet");
  const fixed = element("canvas", { width: SHEET_SIZE, height: SHEET_SIZE }); // for the network: the same on every screen
  const fixedContext = fixed.getContext("2d", { willReadFrequently: true });
  const hint = element("span", { class: "sheet-hint", "aria-hidden": "true" }, "Draw a digit");
  const pen = element("span", { class: "sheet-pen", "aria-hidden": "true", hidden: true });
  const root = element("div", { class: "sheet-frame" }, canvas, hint, pen);
  const earlier = []; // for undo: {strokes, example}
  const pad = { root, canvas, strokes: [], example: null, allowed: true, pen: 22 };

  const paint = () => {
    cancelAnimationFrame(pad.frame);
    pad.frame = requestAnimationFrame(canvas.redraw); // once, of all points that come between two frames
    hint.hidden = pad.strokes.length > 0 || pad.example !== null;
  };
  canvas.onDraw((context) => (pad.example ? paintExample(context, pad.example) : paintStrokes(context, pad.strokes, pad.pen)));
  const remember = () => earlier.push({ strokes: pad.strokes.map((stroke) => [...stroke]), example: pad.example });
  const replace = ({ strokes, example }) => {
    Object.assign(pad, { strokes, example });
    paint();
    onChange(true);
  };
  pad.show = ({ strokes = [], example = null }) => {
    remember();
    replace({ strokes, example });
  };
  pad.reset = ({ strokes = [], example = null }) => {
    earlier.length = 0;
    replace({ strokes, example });
  };
  pad.allow = (allowed) => {
    pad.allowed = allowed;
    canvas.tabIndex = allowed ? 0 : -1;
    canvas.style.touchAction = allowed ? "none" : "auto";
  };
  pad.setPen = (pen) => {
    pad.pen = pen;
    paint();
    if (pad.strokes.length) onChange(true);
  };
  pad.clear = () => {
    if (pad.strokes.length || pad.example) pad.show({});
  };
  pad.undo = () => {
    if (earlier.length) replace(earlier.pop());
    else announce("Nothing to undo");
  };
  pad.paintFixed = () => {
    paintStrokes(fixedContext, pad.strokes, pad.pen);
    return fixed;
  };
  pad.image = () => {
    pad.paintFixed();
    return greyOfCanvas(fixedContext);
  };
  pad.beginStroke = (point) => {
    remember();
    pad.example = null; // a stroke begins a drawing of one's own
    pad.strokes.push([pointOnSheet(point)]);
    paint();
    onChange(false);
  };
  pad.continueStroke = (points, least = LEAST_MOVE) => {
    const added = points.map((point) => extendStroke(pad.strokes.at(-1), point, least));
    if (!added.includes(true)) return;
    paint();
    onChange(false);
  };
  drawByPointer(pad);
  drawByKeyboard(pad, pen);
  pad.finishStroke = () => onChange(true);
  paint();
  return pad;
}

/** Draw with the mouse, a pen or one finger; a second finger at the same time is ignored. */
function drawByPointer(pad) {
  const { canvas } = pad;
  let pointer = null; // the id of the one that draws
  const toPoint = (event) => canvasPoint(canvas, event);
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0 || !pad.allowed) return;
    pointer = event.pointerId;
    try {
      canvas.setPointerCapture(pointer); // a stroke that leaves the sheet comes back
    } catch {
      // The pointer is already gone, e.g. a very short tap: it leaves a dot.
    }
    pad.beginStroke(toPoint(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? []; // the points between two frames, so that a fast curve stays round
    pad.continueStroke((events.length ? events : [event]).map(toPoint));
  });
  const finish = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    if (event.type === "pointerup") pad.continueStroke([toPoint(event)], 1);
    pad.finishStroke();
  };
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(type, finish);
}

/** Draw with the arrow keys: Space puts the pen down and lifts it; two arrow keys at once move it diagonally. */
function drawByKeyboard(pad, pen) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const held = new Set();
  let at = [SHEET_SIZE / 2, SHEET_SIZE / 2];
  let down = false;
  const show = () => {
    pen.hidden = false;
    pen.classList.toggle("down", down);
    Object.assign(pen.style, { left: `${(100 * at[0]) / SHEET_SIZE}%`, top: `${(100 * at[1]) / SHEET_SIZE}%` });
  };
  const lift = () => {
    if (down) pad.finishStroke();
    down = false;
  };
  pad.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !pad.allowed) return;
    if (event.key === " ") {
      event.preventDefault();
      if (event.repeat) return;
      if (down) lift();
      else {
        down = true;
        pad.beginStroke(at);
      }
      announce(down ? "Pen down" : "Pen up");
    } else if (moves[event.key]) {
      event.preventDefault(); // the page must not scroll
      held.add(event.key);
      const [x, y] = [...held].reduce(([dx, dy], key) => [dx + moves[key][0], dy + moves[key][1]], [0, 0]);
      at = pointOnSheet([at[0] + KEY_MOVE * x, at[1] + KEY_MOVE * y]);
      if (down) pad.continueStroke([at], 1);
    } else return;
    show();
  });
  pad.canvas.addEventListener("keyup", (event) => held.delete(event.key));
  pad.canvas.addEventListener("pointerdown", () => {
    lift();
    pen.hidden = true;
  });
  pad.canvas.addEventListener("blur", () => {
    lift();
    held.clear();
    pen.hidden = true;
  });
}

/** Paint an example {pixels (C*H*W), shape} over the whole sheet, one square a pixel. */
function paintExample(context, example) {
  const small = canvasOfPixels(example.pixels, example.shape);
  const [, height, width] = example.shape;
  const scale = SHEET_SIZE / Math.max(width, height);
  Object.assign(context, { fillStyle: "#fff", imageSmoothingEnabled: false });
  context.fillRect(0, 0, SHEET_SIZE, SHEET_SIZE);
  context.drawImage(small, (SHEET_SIZE - width * scale) / 2, (SHEET_SIZE - height * scale) / 2, width * scale, height * scale);
}

/** Return a canvas of W x H pixels with an image (C, H, W) of bytes, grey or in color. */
function canvasOfPixels(pixels, [channels, height, width]) {
  const canvas = element("canvas", { width, height });
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let color = 0; color < 3; color++) image.data[4 * pixel + color] = pixels[(color % channels) * width * height + pixel];
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
