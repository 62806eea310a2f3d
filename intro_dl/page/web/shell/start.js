"use strict";
// The last file: the header, the row of tabs, and the tab that the address names.

document.getElementById("theme-control").append(themeControl());
document.getElementById("shown-runs").append(...shownRunsInWords());
document.getElementById("made-by").append("Made by ", element("code", {}, CONTENT.command ?? "intro-dl page"),
  CONTENT.version ? ` with intro_dl ${CONTENT.version}.` : ".");
document.getElementById("tabs").append(...TABS.map((tab) => tab.button));
document.getElementById("tabs").addEventListener("keydown", moveBetweenTabs);
document.getElementById("panels").append(...TABS.map((tab) => tab.panel));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address belongs to the tabs
  shownTab.button.focus();
});
addEventListener("hashchange", () => followAddress());
if (TABS.length) followAddress();
