"use strict";
// Light and dark: the choice of the reader, or of the system. Colors are variables of page.css; a canvas reads them here.
//
//   theme()          {name: "light"|"dark", back, card, text, soft, line, grid, middle, blue, orange, green, accent,
//                     classes: [blue, orange, green], positive, negative}, each "#rrggbb"
//   onTheme(redraw)  calls redraw() after a change (canvases with onDraw are drawn again by themselves)

const THEME_COLORS = ["back", "card", "text", "soft", "line", "grid", "middle", "blue", "orange", "green", "accent"];
const THEME_KEY = "intro_dl.theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const themeListeners = [];
let chosenTheme = "auto";
let themeColors = null;

/** Return the colors of the theme that is shown. */
function theme() {
  if (!themeColors) {
    const style = getComputedStyle(document.documentElement);
    const colors = Object.fromEntries(THEME_COLORS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    const { blue, orange, green } = colors;
    const name = document.documentElement.dataset.theme;
    themeColors = { name, ...colors, classes: [blue, orange, green], positive: blue, negative: orange };
  }
  return themeColors;
}

/** Call `redraw` after each change of the theme. */
const onTheme = (redraw) => themeListeners.push(redraw);

/** Show a theme: "auto", "light" or "dark". */
function setTheme(chosen) {
  chosenTheme = oneOf(chosen, ["auto", "light", "dark"], "auto");
  const dark = chosenTheme === "dark" || (chosenTheme === "auto" && systemIsDark.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  themeColors = null;
  for (const redraw of themeListeners) redraw();
}

/** Return the theme that the reader chose last; "auto" if the browser keeps nothing for a file. */
function savedTheme() {
  try {
    return localStorage.getItem(THEME_KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

/** Return the control that chooses the theme, and keeps the choice. */
function themeControl() {
  const keep = (chosen) => {
    setTheme(chosen);
    try {
      localStorage.setItem(THEME_KEY, chosen);
    } catch {
      // A browser may refuse to store; the choice then holds until the page is closed.
    }
  };
  const options = [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]];
  return choice({ label: "Colors", options, value: chosenTheme, onchange: keep });
}

systemIsDark.addEventListener("change", () => setTheme(chosenTheme));
setTheme(savedTheme());
