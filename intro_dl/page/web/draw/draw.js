"use strict";
// The tab Draw: a digit by mouse, pen, finger or keyboard; what the network reads, what it answers, and why.
//
// Lecture 001 (MNIST, convolutional networks) and 004 (feature maps, reverse mode). The drawing is prepared in the same
// way as by `intro-dl predict`, which also reads the saved PNG.

const FIRST_EXAMPLE = 9; // the test image that the tab starts with: a 3 of the usual digits
const SLOW_NETWORK = 40; // milliseconds; a slower network waits until the pen rests

/** Return the state of the tab with what it can use. */
function checkDrawState(state) {
  const run = RUNS[state.run];
  return {
    ...state,
    example: run?.examples?.[state.example] ? state.example : -1,
    strokes: strokesOfText(state.strokes) ? state.strokes : "",
    pen: state.pen === 0 ? 0 : between(state.pen, ...PEN_WIDTHS, 0),
    unit: Number.isInteger(state.unit) && state.unit >= 0 ? state.unit : 0,
    target: Number.isInteger(state.target) && run?.classes?.[state.target] !== undefined ? state.target : -1,
  };
}

/** Return what the tab suggests: drawings, and the worst mistake of the first run that made one. */
function drawTries() {
  const mistaken = RUNS.filter(classifiesImages).find((each) => examplesOf(each).some((example) => example.mistake));
  const whose = RUNS.filter(classifiesImages).length > 1 ? `The worst mistake of ${titleOfRun(mistaken ?? RUNS[0])}` : "Its worst mistake";
  return [
    ["A small 7 in a corner", { strokes: SMALL_SEVEN }],
    ["Two digits at once", { strokes: TWO_DIGITS }],
    ["A 4 with a thin pen, then make it thicker", { strokes: LARGE_FOUR, pen: 8 }],
    ["A letter, which is none of its classes", { strokes: LETTER_A }],
    ...(mistaken ? [[whose, { run: RUNS.indexOf(mistaken), example: examplesOf(mistaken).findIndex((example) => example.mistake) }]] : []),
  ];
}

const SMALL_SEVEN = strokesToText([[[40, 40], [75, 40], [70, 55], [55, 100]]]);
const TWO_DIGITS = strokesToText([[[60, 60], [60, 130], [60, 220]], [[160, 80], [215, 60], [230, 100], [180, 150], [150, 205], [240, 210]]]);
const LARGE_FOUR = strokesToText([[[100, 45], [80, 145], [200, 145]], [[165, 60], [160, 240]]]);
const LETTER_A = strokesToText([[[70, 230], [105, 140], [140, 50], [175, 140], [210, 230]], [[100, 170], [180, 170]]]);

/** Return how a run's network answers, in a sentence for a screen reader. */
const answerInWords = (run, reading) => `The network says ${run.classes[reading.answer]}, with a probability of ${percent(reading.probabilities[reading.answer])}.`;

/** Build the tab. */
function buildDrawTab(panel, tab) {
  const picker = chooseRun(tab, classifiesImages, () => changeRun());
  if (!picker.run) return panel.append(picker);
  const pad = makeDrawingPad({ onChange: (finished) => padChanged(finished) });
  const answer = makeAnswerView({ onTarget: (target) => { tab.remember({ target }); showWhy(); } });
  const layers = makeLayersView({ onChoose: (chosen) => { tab.remember(chosen); showLayers(); } });
  const examples = makeExamplesView({ onChoose: (index) => pad.show({ example: exampleAt(index) }) });
  const comparison = makeComparison();
  const keys = element("p", { class: "soft for-mouse" }, "Draw with the mouse, a pen or a finger. By keyboard: arrow keys move the pen, Space puts it down and lifts it, Ctrl+Z undoes.");
  const pen = slider({ label: "Pen", min: PEN_WIDTHS[0], max: PEN_WIDTHS[1], value: 22, format: (width) => `${width} pixels`, oninput: (width) => {
    tab.remember({ pen: width });
    pad.setPen(width);
  } });
  const tools = controls(button("Clear", pad.clear), button("Undo", pad.undo), button("Save PNG", () => saveDrawing(pad)), pen);
  const photographs = element("p", { class: "soft" }, "This network was trained on photographs, which one cannot draw: choose a test image.");
  const failure = element("p", { class: "notice", role: "status", hidden: true });
  const sheet = element("div", { class: "sheet-column" }, pad.root, tools, keys, photographs);
  panel.append(picker, failure, columns(sheet, answer.root, element("div", { class: "why-column" }, answer.why, comparison.root)), examples.root, layers.root);

  let image = null; // on the sheet; null if it is blank
  let reading = null; // what the network answers about it
  let said = ""; // the last answer that a screen reader said
  const waiting = { read: 0, rest: 0 }; // timers

  /** Return the image on the sheet {data, width, height}; null if it is blank. */
  function currentImage() {
    if (pad.example) return { data: pad.example.pixels, width: pad.example.shape[2], height: pad.example.shape[1] };
    return pad.strokes.length ? pad.image() : null;
  }

  /** Let the network read the sheet, and show its answer. */
  function read() {
    const run = picker.run;
    image = currentImage();
    const prepared = image && readsDrawings(run) ? prepareOnce(image, run) : { pixels: image?.data, steps: [], blank: !image };
    try {
      reading = prepared.blank ? null : readPixels(run, prepared.pixels);
      failure.hidden = true;
    } catch (error) {
      reading = null;
      failure.textContent = error.message;
      failure.hidden = false;
    }
    answer.show(run, reading, prepared.pixels, { prepared, example: examplesOf(run)[pad.example?.index] });
  }

  const showLayers = () => layers.show(picker.run, reading, tab.state);
  const showWhy = () => answer.showWhy(picker.run, reading, tab.state.target);

  /** Show what takes longer than the answer. */
  function showRest() {
    waiting.rest = 0;
    showLayers();
    showWhy();
    comparison.show(picker.run, image, reading);
  }

  /** Read while the pen moves, once in a frame, and show the layers ten times a second; a slow network waits until it rests. */
  function padChanged(finished) {
    const slow = reading?.milliseconds > SLOW_NETWORK;
    clearTimeout(waiting.read);
    if (!finished) {
      waiting.read = setTimeout(read, slow ? 250 : 0);
      waiting.rest ||= setTimeout(showRest, slow ? 400 : 100);
      return;
    }
    clearTimeout(waiting.rest);
    read();
    waiting.rest = setTimeout(showRest);
    const text = strokesToText(pad.strokes);
    const inAddress = text.length <= LONGEST_DRAWING ? text : "";
    tab.remember({ strokes: inAddress, example: inAddress ? FIRST_EXAMPLE : (pad.example?.index ?? -1) });
    examples.show(picker.run, pad.example?.index ?? -1);
    const words = reading ? answerInWords(picker.run, reading) : "The sheet is blank: draw a digit.";
    if (words !== said) announce(words);
    said = words;
  }

  /** Return an example of the run as the sheet shows it. */
  function exampleAt(index) {
    const source = examplesOf(picker.run)[index];
    return source ? { index, source, pixels: pixelsOfExample(source), shape: picker.run.in_shape } : null;
  }

  /** Show the controls of the chosen run. */
  function prepareFor(run) {
    const drawing = readsDrawings(run);
    for (const each of [tools, keys]) each.hidden = !drawing;
    photographs.hidden = drawing;
    pad.allow(drawing);
    pen.set(tab.state.pen || penOfRun(run)); // as thick as the lines of its test images
    pad.pen = pen.get();
    answer.setRun(run, tab.state.target);
    tab.command(run.command, !run.shipped && run.run ? `intro-dl predict ${quotedWord(run.run)} drawing.png` : "");
  }

  /** Change to another run: strokes stay, and so does a test image that it also has. */
  function changeRun() {
    const run = picker.run;
    tab.remember({ layer: "", unit: 0, target: -1 });
    prepareFor(run);
    const same = examplesOf(run).findIndex((each) => each.pixels === pad.example?.source.pixels);
    const example = exampleAt(same < 0 && (pad.example || !readsDrawings(run)) ? 0 : same);
    pad.reset({ strokes: readsDrawings(run) ? pad.strokes : [], example });
  }

  /** Show what the address says. */
  function follow(state) {
    const { strokes: text, example } = state;
    picker.set(state.run);
    prepareFor(picker.run);
    const drawing = readsDrawings(picker.run);
    const strokes = drawing ? (strokesOfText(text) ?? []) : [];
    pad.reset({ strokes, example: strokes.length ? null : exampleAt(drawing ? example : Math.max(0, example)) });
  }

  document.addEventListener("keydown", (event) => {
    const undo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (!undo || !tab.visible || event.target.matches?.("input, textarea")) return;
    event.preventDefault();
    pad.undo();
  });
  tab.onState(follow);
  follow(tab.state);
}

/** Save the sheet as drawing.png: `intro-dl predict` reads the same pixels from it. */
function saveDrawing(pad) {
  const canvas = pad.example ? canvasOfPixels(pad.example.pixels, pad.example.shape) : pad.paintFixed();
  canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: "drawing.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

addTab({
  name: "draw",
  title: "Draw",
  sentence: "Draw a digit on the sheet, slowly. Watch what the network reads, how its answer changes, and which maps light up.",
  tries: drawTries(),
  defaults: { example: FIRST_EXAMPLE, strokes: "", pen: 0, layer: "", unit: 0, target: -1 },
  check: checkDrawState,
  build: buildDrawTab,
});
