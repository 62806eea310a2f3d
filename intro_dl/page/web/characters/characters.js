"use strict";
/*
 * The tab "Characters": a language model writes, or reads a text of one's own; each character shows how much it surprised
 * the model, and what one cell did with it.
 *
 * Lecture 001, "throw a 3-sided dice to decide what y equals" and "LSTM"; figure G24. A text is a function of the run,
 * the prompt, the temperature, top-k, the seed and the length: after a change it is written again from the beginning.
 */

const FIRST_TEXT_RUN = RUNS.findIndex((entry) => entry.kind === "text");
const CHARACTERS_AT_ONCE = 300; // written after one press of "Write"
const READING_MILLISECONDS = 12; // of one slice of a long text, so that the page still answers

addTab({
  name: "characters",
  title: "Characters",
  sentence:
    "Press Write, then move the temperature: below 1 the model repeats what is most likely, above 1 it writes nonsense. " +
    "Point at a character to see what the model expected there.",
  tries: [
    ["Only the most likely character", { top_k: 1, length: 300 }],
    ["Temperature 2", { temperature: 2, length: 300 }],
    ["Forget gates over a sentence", { mode: "read", color: "forget" }],
  ],
  defaults: {
    run: Math.max(0, FIRST_TEXT_RUN), mode: "write", prompt: "", temperature: 0.8, top_k: 0, seed: 0, length: 150,
    text: "I love recurrent neural networks!", color: "surprise", layer: 1,
    cell: 0, place: 0, // cell 0 is chosen from the text, place 0 is the last one
  },
  check: checkCharacters,
  build: buildCharacters,
});

function buildCharacters(panel, tab) {
  const runs = chooseRun(tab, (entry) => entry.kind === "text", () => openRun());
  if (!runs.run) return panel.append(runs);
  const readers = new Map(); // entry -> TextReader, made once
  let reader = null;
  let writer = null;
  let hovered = null; // the place under the mouse, or null
  let slice = 0; // the timer of the next slice of reading
  let repaint = null; // (values) => show the text in other colors

  const change = (values, apply) => {
    loop.stop();
    tab.remember(values);
    apply();
  };
  const mode = choice({
    label: "Text", options: [["write", "The model writes"], ["read", "My own text"]],
    onchange: (value) => change({ mode: value, place: 0 }, begin),
  });
  const prompt = textField({ label: "Prompt (\\n is a new line)", onchange: (value) => change({ prompt: value, place: 0 }, begin) });
  const temperature = slider({
    label: "Temperature", min: 0.1, max: 2, step: 0.05, value: 0.8, format: (value) => value.toFixed(2),
    oninput: (value) => change({ temperature: value }, begin),
  });
  const topK = numberField({ label: "Top-k (0 keeps all)", min: 0, max: 100000, step: 1, onchange: (value) => change({ top_k: value }, begin) });
  const seed = numberField({ label: "Seed", min: 0, max: 2 ** 32 - 1, step: 1, onchange: (value) => change({ seed: value }, begin) });
  const loop = animate(tab, () => writeOne());
  const buttons = animationButtons(loop, { start: "Write", stop: "Pause", step: "One character" });
  buttons.append(button("Restart", () => change({ length: 0, place: 0 }, begin)));
  const own = element("textarea", { id: newId(), rows: 4, maxlength: MOST_TOKENS, spellcheck: "false" });
  const ownText = element("div", { class: "control own-text" }, element("label", { for: own.id }, `Your text, at most ${MOST_TOKENS} characters`), own);
  own.addEventListener("input", () => change({ text: own.value, place: 0 }, begin));
  const toWrite = [controls(prompt, temperature, topK, seed), buttons];

  const notice = element("p", { class: "notice", role: "status", hidden: true });
  const coloring = element("div", { class: "controls" });
  const legend = traceLegend();
  const text = tokenText({ onpick: (place) => pick(place), onhover: (place) => hover(place) });
  const result = element("p", { class: "soft" });
  const position = slider({ label: "Position in the text", min: 1, max: 1, value: 1, format: (place) => placeInWords(place - 1), oninput: (place) => pick(place - 1) });
  position.classList.add("wide");
  const [expected, cellShown] = [expectedCard(), cellCard()];

  const words = () => wordsOf(runs.run);
  const unit = () => (words() ? "word" : "character");
  const kinds = () => ["surprise", ...reader.kinds];
  const colored = () => (kinds().includes(tab.state.color) ? tab.state.color : "surprise");
  const layer = () => Math.min(tab.state.layer, reader.layers) - 1;
  const cell = () => Math.max(0, Math.min(tab.state.cell, reader.cells) - 1);
  const settings = () => ({ temperature: tab.state.temperature, topK: tab.state.top_k, seed: tab.state.seed });
  const promptText = () => unescapePrompt(tab.state.prompt) || runs.run.prompt;
  const pieceAt = (place) => reader.alphabet[reader.moments[place].token];
  const colorAt = (place) => {
    const kind = colored();
    const value = kind === "surprise" ? reader.moments[place].surprise : reader.traceOf(place, kind, layer(), cell());
    return traceColor(kind, value);
  };

  /** Take the chosen run: make its reader, and the controls that depend on it. */
  const openRun = () => {
    loop.stop();
    if (!readers.has(runs.run)) readers.set(runs.run, new TextReader(runs.run));
    reader = readers.get(runs.run);
    showColoring();
    begin();
  };

  const showColoring = () => {
    const options = [["surprise", "Surprise, -log2 p"], ...reader.kinds.map((kind) => [kind, capitalized(reader.titleOf(kind))])];
    const kind = choice({ label: "Color by", options, value: colored(), onchange: (value) => repaint({ color: value }) });
    const layers = reader.layers > 1 && numberField({ label: `Layer (1 to ${reader.layers})`, min: 1, max: reader.layers, step: 1, value: layer() + 1, onchange: (value) => repaint({ layer: value }) });
    const cells = numberField({ label: `Cell (1 to ${reader.cells})`, min: 1, max: reader.cells, step: 1, value: cell() + 1, onchange: (value) => repaint({ cell: value }) });
    const find = button("Find a cell for word ends", () => {
      const of = colored() === "surprise" ? reader.kinds[0] : colored();
      kind.set(of);
      tab.remember({ color: of });
      if (!findCell()) complain("Write or paste a text of letters and spaces first.");
    });
    repaint = (values) => {
      tab.remember(values);
      cells.set(cell() + 1);
      text.paint(colorAt);
      legend.set(colored());
      show();
    };
    coloring.replaceChildren(kind, ...(layers ? [layers] : []), cells, ...(words() ? [] : [find]));
    legend.set(colored());
  };

  /** Choose the cell that tells letters from other characters best; return whether the text has both. */
  const findCell = () => {
    const kind = colored() === "surprise" ? reader.kinds[0] : colored();
    const found = reader.wordEndCell(kind, layer());
    if (found === null) return false;
    repaint({ cell: found + 1 });
    announce(`Cell ${found + 1}: its ${reader.titleOf(kind)} differs most between letters and other characters`);
    return true;
  };

  const complain = (sentence) => {
    notice.textContent = sentence;
    notice.hidden = sentence === "";
  };

  /** Read or write the text of the state from its beginning. */
  const begin = () => {
    clearTimeout(slice);
    const writes = tab.state.mode === "write";
    toWrite.forEach((part) => (part.hidden = !writes));
    ownText.hidden = writes;
    hovered = null;
    text.clear();
    const { tokens, unknown } = tokensOfText(runs.run, writes ? promptText() : tab.state.text);
    complain(unknownSentence(runs.run, unknown));
    const refused = unknown.length > 0 && !words();
    writer = new TextWriter(reader, refused ? [] : tokens, settings());
    writer.target = refused || !tokens.length ? 0 : tokens.length + (writes ? tab.state.length : 0);
    continueReading();
  };

  /** Read until the target, in slices, so that the page answers in between. */
  const continueReading = () => {
    const stop = performance.now() + READING_MILLISECONDS;
    while (reader.moments.length < writer.target && performance.now() < stop) advance();
    if (reader.moments.length < writer.target) slice = setTimeout(continueReading, 0);
    else if (tab.state.cell === 0) findCell();
    show();
  };

  const advance = () => {
    writer.advance();
    const place = reader.moments.length - 1;
    text.add(pieceAt(place), tab.state.mode === "write" && place < writer.prompt.length, colorAt(place));
  };

  /** Write one token more; a frame of the loop. */
  const writeOne = () => {
    if (reader.moments.length < writer.target || !writer.prompt.length) return loop.stop(); // still reading, or nothing to begin with
    if (loop.running && loop.written++ >= CHARACTERS_AT_ONCE) return loop.stop();
    if (reader.moments.length >= MOST_TOKENS) {
      loop.stop();
      return complain(`The text has ${MOST_TOKENS} ${unit()}s, the most that the page keeps. Press Restart.`);
    }
    writer.target++;
    advance();
    tab.state.length = writer.written;
    if (!loop.running) tab.remember({ length: writer.written });
    if (hovered === null) text.scrollTop = text.scrollHeight;
    show();
  };
  loop.onChange((running) => {
    loop.written = 0;
    if (running) return tab.remember({ place: 0 });
    if (!writer.prompt.length) return; // nothing was read
    tab.remember({ length: Math.max(0, writer.written) });
    showCommands(); // with the new length
    announce(`Written: ${reader.moments.slice(-80).map(({ token }) => reader.alphabet[token]).join("")}`);
  });

  const pick = (place) => {
    loop.stop();
    hovered = null;
    tab.remember({ place: place + 1 });
    show();
  };
  const hover = (place) => {
    hovered = place;
    show();
  };

  /** Say which place is shown; hoisted, because the slider asks for it before there is a reader. */
  function placeInWords(place) {
    const { length } = reader?.moments ?? [];
    if (!length) return "nothing read";
    return place >= length ? "the next one" : `${place + 1} of ${length}, "${visibleToken(pieceAt(place))}"`;
  }

  /** Show the chosen place: probabilities, gates, sentences. */
  const show = () => {
    const { moments } = reader;
    const place = hovered ?? Math.min(tab.state.place ? tab.state.place - 1 : moments.length - 1, moments.length);
    position.querySelector("input").max = moments.length + (tab.state.mode === "write" ? 1 : 0);
    position.set(Math.max(place, 0) + 1);
    text.mark(place);
    const die = tab.state.mode === "write" ? settings() : { temperature: 1, topK: 0 };
    expected.show(reader, place, die, unit());
    cellShown.show(reader, place, { kind: colored(), layer: layer(), cell: cell(), words: words() });
    const mean = reader.meanSurprise();
    const guess = Math.log2(reader.alphabet.length);
    result.textContent = mean === null ? "" :
      `${mean.toFixed(3)} bits per ${unit()}, the mean surprise of ${moments.length - 1} predictions. A guess among ${reader.alphabet.length} ${unit()}s needs ${guess.toFixed(2)} bits.`;
    if (!loop.running) showCommands();
  };

  const showCommands = () => {
    const { temperature, topK, seed } = settings();
    const length = Math.max(1, tab.state.length);
    const sample = tab.state.mode === "write" && sampleCommand(runs.run, { prompt: promptText(), temperature, topK, seed, length });
    otherSeed.hidden = !sample;
    tab.command(runs.run.command, sample);
  };

  const otherSeed = element("p", { class: "soft" },
    "The command draws other random numbers than the page, so the same seed writes another text, by the same probabilities.");
  panel.append(
    controls(runs, mode), ...toWrite, ownText, notice, coloring, legend, text, result, position,
    columns(expected, cellShown), otherSeed,
  );
  const follow = () => {
    loop.stop();
    runs.set(tab.state.run);
    mode.set(tab.state.mode);
    prompt.set(tab.state.prompt || escapePrompt(runs.run.prompt));
    temperature.set(tab.state.temperature);
    topK.set(tab.state.top_k);
    seed.set(tab.state.seed);
    own.value = tab.state.text;
    openRun();
  };
  tab.onState(follow);
  follow();
}
