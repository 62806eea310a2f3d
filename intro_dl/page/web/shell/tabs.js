"use strict";
// The tabs: which one is shown, its state, and the address of both.
//
//   addTab({name: "draw", title: "Draw", sentence: "What to try.", tries: [["A large rate", {rate: 3}]],
//           defaults: {rate: 0.1, hidden: [8, 8]}, check: (state) => state, build(panel, tab) {...}})
//
// build is called once, when the tab is first shown. `sentence` and `tries` stand above the panel, the commands below it.
// check replaces what it does not accept: (state) => ({...state, rate: between(state.rate, 1e-5, 10, 0.1)}).
//   tab.state                      the defaults and what the address says; every tab also has `run: 0`
//   tab.remember({rate: 0.3})      changes the state and the address
//   tab.onState((state) => ...)    after the address was changed by hand, by Back, or by a "Try this" link
//   tab.onHide(f), tab.visible     f is called each time the tab is left
//   tab.command("intro-dl ...")    shows one command line or more, each with a button that copies it; quotedWord(path)

const TABS = [];
let shownTab = null;

/** Add a tab at the end of the row. */
function addTab({ name, title, sentence = "", tries = [], defaults = {}, check = null, build }) {
  const tab = { name, title, check, build, built: false, defaults: { run: 0, ...defaults }, listeners: { state: [], hide: [] } };
  tab.state = structuredClone(tab.defaults);
  tab.commands = element("section", { class: "commands", hidden: true });
  tab.body = element("div", { class: "tab-body" });
  tab.panel = element("section", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, hidden: true },
    element("h2", { class: "for-screen-readers" }, title), sentence ? element("p", { class: "sentence" }, sentence) : null, tryThisLinks(tab, tries), tab.body, tab.commands);
  const open = () => openTab(tab);
  tab.button = element("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": "false", tabindex: -1, onclick: open }, title);
  tab.onState = (call) => tab.listeners.state.push(call);
  tab.onHide = (call) => tab.listeners.hide.push(call);
  tab.command = (...texts) => showCommands(tab, texts);
  tab.remember = (values) => {
    Object.assign(tab.state, values);
    if (shownTab === tab) writeAddress(addressOf(name, tab.state, tab.defaults));
  };
  Object.defineProperty(tab, "visible", { get: () => shownTab === tab });
  TABS.push(tab);
  return tab;
}

/** Return the row of "Try this" links; each sets the defaults and what it names. The chosen run stays. */
function tryThisLinks(tab, tries) {
  if (!tries.length) return null;
  const links = tries.map(([text, values]) => {
    const follow = (event) => {
      event.preventDefault();
      const hash = addressOf(tab.name, { ...tab.defaults, run: tab.state.run, ...values }, tab.defaults);
      setAddress(hash, true);
      followAddress(hash);
    };
    const href = addressOf(tab.name, { ...tab.defaults, ...values }, tab.defaults);
    return element("li", {}, element("a", { href, onclick: follow }, text));
  });
  return element("ul", { class: "tries", "aria-label": "Try this" }, element("li", { class: "soft" }, "Try this:"), links);
}

/** Return a text in the quotes that keep all its characters on a command line. */
const inQuotes = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Return a path as one word of a command line. */
const quotedWord = (word) => (/^[\w./=,:@%+-]+$/.test(word) ? word : inQuotes(word));

/** Show command lines below the panel of a tab. */
function showCommands(tab, texts) {
  const rows = texts.filter(Boolean).map((text) => {
    const code = element("code", {}, text);
    return element("div", { class: "command" }, code, button("Copy", () => copyText(text, code), { "aria-label": `Copy ${text}` }));
  });
  tab.commands.hidden = rows.length === 0;
  tab.commands.replaceChildren(element("h3", {}, "The same on the command line"), ...rows);
}

/** Copy a text; in a browser that refuses the clipboard to files, select it instead. */
async function copyText(text, shownIn) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
  } catch {
    getSelection().selectAllChildren(shownIn);
    announce(document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C to copy");
  }
}

/** Open a tab as the reader asks for it: a new step for Back. */
function openTab(tab) {
  writeWaitingAddress();
  if (shownTab !== tab) setAddress(addressOf(tab.name, tab.state, tab.defaults), true);
  showNotice("");
  showTab(tab);
}

/** Show one tab, hide the others; build it if it is new. */
function showTab(tab) {
  const before = shownTab;
  shownTab = tab;
  for (const each of TABS) {
    const chosen = each === tab;
    each.panel.hidden = !chosen;
    each.button.setAttribute("aria-selected", String(chosen));
    each.button.tabIndex = chosen ? 0 : -1;
  }
  document.title = `${tab.title}: your networks at work`;
  if (before && before !== tab) before.listeners.hide.forEach((call) => call());
  if (!tab.built) {
    tab.built = true;
    try {
      tab.build(tab.body, tab);
    } catch (error) {
      tab.body.replaceChildren(element("p", { class: "notice" }, `This tab could not start: ${error.message}`));
      reportError(error);
    }
  }
}

/** Show what the address says; what cannot be used is replaced, and a sentence says so. */
function followAddress(hash = location.hash) {
  const { name, values, problem } = readAddress(hash);
  const named = problem ? null : TABS.find((tab) => tab.name === (name || TABS[0].name));
  const tab = named ?? shownTab ?? TABS[0];
  const sentences = problem ? [problem] : [];
  if (!named && name) sentences.push(`The address names the tab ${shortened(name)}, which this page does not have: it has ${TABS.map((each) => each.name).join(", ")}.`);
  if (named || !tab.built) {
    const read = stateOfAddress(named ? values : new Map(), tab.defaults, tab.check);
    tab.state = read.state;
    sentences.push(...read.sentences);
    if (!problem && RUNS.length && !RUNS[tab.state.run]) {
      sentences.push(replacedInWords("run", String(tab.state.run), 0));
      tab.state.run = 0;
    }
  }
  const wasBuilt = tab.built;
  showNotice(sentences.slice(0, 3).join(" "));
  showTab(tab);
  if (wasBuilt && named) tab.listeners.state.forEach((call) => call(tab.state));
}

/** Move between the tabs by arrow keys, Home and End. */
function moveBetweenTabs(event) {
  const at = TABS.indexOf(shownTab);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const tab = TABS[(next + TABS.length) % TABS.length];
  openTab(tab);
  tab.button.focus();
}
