addEventListener("DOMContentLoaded", () => {
  for (const formula of document.querySelectorAll(".math")) {
    const tex = formula.textContent.trim().replace(/^\\[([]|\\[)\]]$/g, "");
    katex.render(tex, formula, { displayMode: formula.tagName === "DIV", output: "htmlAndMathml" });
  }
  // Sphinx gives the captions of the sidebar the role of a heading without its level.
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.ariaLevel = "2";
  // The links of the gallery hide their words behind the picture.
  for (const link of document.querySelectorAll(".sphx-glr-thumbcontainer a")) link.ariaLabel = link.textContent;
});
// A box that scrolls sideways must be reachable with the keyboard. Its width is known when the fonts are there.
addEventListener("load", async () => {
  await document.fonts.ready;
  for (const box of document.querySelectorAll("pre, .table-wrapper, .katex-display")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
});
