"""The lectures as one web page that needs no network: style, formulas and filter are inside."""

import re
from collections import Counter
from collections.abc import Sequence
from html import escape

from intro_dl.lectures.claims import Result
from intro_dl.lectures.ids import LECTURES
from intro_dl.lectures.report import SIGNS, by_lecture, count_line, measured_lines, show

STYLE = """
:root { color-scheme: light dark;
  --back: #ffffff; --text: #1d2330; --soft: #5a6372; --line: #d9dee7; --panel: #f4f6fa; --link: #1f4fa8;
  --good: #0f6b3a; --good-back: #e0f3e7; --wrong: #7a4b00; --wrong-back: #fdf0d3;
  --bad: #a01622; --bad-back: #fde3e4; --plain: #434c5c; --plain-back: #e8ebf1; }
@media (prefers-color-scheme: dark) { :root {
  --back: #14171d; --text: #e6e9ef; --soft: #a3acbb; --line: #333a46; --panel: #1d222b; --link: #9cc0ff;
  --good: #8fe0b0; --good-back: #16352a; --wrong: #f5cf85; --wrong-back: #3a2d12;
  --bad: #ffb0b4; --bad-back: #451a20; --plain: #c4ccd9; --plain-back: #2b323d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 2rem 1.25rem 4rem; background: var(--back);
  color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { margin: 0 0 .5rem; font-size: 2rem; line-height: 1.2; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.25rem; }
h2 small { color: var(--soft); font-weight: 500; margin-right: .5rem; font-variant-numeric: tabular-nums; }
p.lead { max-width: 48rem; color: var(--soft); margin: 0 0 1rem; }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0; }
fieldset { border: 0; margin: 1rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem; }
fieldset label { cursor: pointer; display: inline-flex; gap: .4rem; align-items: center; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th { text-align: left; font-size: .8rem; font-weight: 600; color: var(--soft); padding: .4rem .75rem; }
td { vertical-align: top; padding: .65rem .75rem; border-top: 1px solid var(--line);
  overflow-wrap: break-word; }
tr:target td { background: var(--panel); }
th.id { width: 7.5rem; } th.slide { width: 16%; } th.says { width: 30%; } th.verdict { width: 8.5rem; }
td.id a { font-weight: 650; text-decoration: none; }
td.slide { color: var(--soft); }
td .decks { display: block; font-size: .8rem; color: var(--soft); font-variant-numeric: tabular-nums; }
td ul { list-style: none; margin: 0; padding: 0; }
td li + li { margin-top: .2rem; }
.badge { display: inline-block; white-space: nowrap; border-radius: 1rem; padding: .1rem .65rem;
  font-size: .85rem; font-weight: 600; color: var(--plain); background: var(--plain-back); }
.badge.holds, .badge.measured { color: var(--good); background: var(--good-back); }
.badge.erratum { color: var(--wrong); background: var(--wrong-back); }
.badge.fails { color: var(--bad); background: var(--bad-back); }
details { margin-top: .4rem; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; width: max-content; }
pre { margin: .5rem 0; padding: .75rem; background: var(--panel); border-radius: .4rem;
  font: .82rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; }
code { font: .88em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; background: var(--panel);
  padding: .05em .3em; border-radius: .25em; }
sub, sup { font-size: .75em; line-height: 0; }
span.right { display: block; margin-top: .35rem; }
details table { table-layout: auto; font-size: .85rem; margin-top: .25rem; }
details td, details th { padding: .25rem .5rem; }
footer { margin-top: 3rem; font-weight: 600; }
[hidden] { display: none !important; }
@media (max-width: 52rem) {
  thead { display: none; } table, tbody, tr, td { display: block; width: 100%; }
  tr { border-top: 1px solid var(--line); padding: .6rem 0; } td { border: 0; padding: .15rem 0; }
  details table { display: table; } details tbody { display: table-row-group; }
  details tr { display: table-row; } details td, details th { display: table-cell; width: auto; }
}
@media print { fieldset, nav { display: none; } tr { break-inside: avoid; } }
"""

# Hides the rows whose verdict is unticked. Without scripts every row is shown, and the filter is not.
SCRIPT = """
const boxes = document.querySelectorAll("fieldset input");
document.querySelector("fieldset").hidden = false;
for (const box of boxes) box.addEventListener("change", () => {
  const rows = document.querySelectorAll("tr[data-verdict=" + box.value + "]");
  for (const row of rows) row.hidden = !box.checked;
});
function openTarget() {
  const details = document.getElementById(location.hash.slice(1))?.querySelector("details");
  if (details) details.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();
"""


def to_html(results: Sequence[Result], lecture: str | None, missing: Sequence[str]) -> str:
    """A self-contained page: a table a lecture, and under every claim its working and its checks."""
    groups = by_lecture(results, lecture)
    links = "".join(f'<a href="#lecture{name}">{name} {escape(LECTURES[name])}</a>' for name in groups)
    sections = "".join(_section(name, group) for name, group in groups.items())
    left = f"<p>Open, not claimed yet: {', '.join(missing)}.</p>" if missing else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The lectures, executable</title>
<style>{STYLE}</style>
</head>
<body>
<h1>The lectures, executable</h1>
<p class="lead">What the slides say, what comes out when it is computed, and whether it holds. Where a slide
is wrong, its version and the right one are both computed, and differ.</p>
<nav aria-label="Lectures">{links}</nav>
{_filter(results)}
<main>{sections}</main>
{left}
<footer>{count_line(results, missing)}</footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _filter(results: Sequence[Result]) -> str:
    count = Counter(result.verdict for result in results)
    boxes = "".join(
        f'<label><input type="checkbox" value="{verdict}" checked>{_badge(verdict)} {count[verdict]}</label>'
        for verdict in SIGNS
        if count[verdict]
    )
    return f'<fieldset hidden aria-label="Show claims by verdict">{boxes}</fieldset>'


def _badge(verdict: str) -> str:
    return f'<span class="badge {verdict}"><span aria-hidden="true">{SIGNS[verdict]}</span> {verdict}</span>'


def _section(name: str, results: Sequence[Result]) -> str:
    rows = "".join(map(_row, results))
    return f"""<section id="lecture{name}"><h2><small>{name}</small>{escape(LECTURES[name])}</h2>
<table><thead><tr><th class="id">id</th><th class="slide">slide</th><th class="says">says</th>
<th>measured</th><th class="verdict">verdict</th></tr></thead><tbody>{rows}</tbody></table></section>
"""


def _row(result: Result) -> str:
    claim = result.claim
    lines = "".join(f"<li>{typeset(line)}</li>" for line in measured_lines(result))
    return f"""<tr id="{claim.id}" data-verdict="{result.verdict}">
<td class="id"><a href="#{claim.id}">{claim.id}</a><span class="decks">{" ".join(claim.lectures)}</span></td>
<td class="slide">{typeset(claim.slide)}</td><td>{typeset(claim.says)}</td>
<td><ul>{lines}</ul>{_details(result)}</td><td>{_badge(result.verdict)}</td></tr>
"""


def _details(result: Result) -> str:
    """The working and every check, folded away."""
    if result.claim.kind == "cited" or not (result.outcome.working or result.outcome.checks):
        return ""
    working = escape("\n".join(result.outcome.working))
    working = f"<pre>{working}</pre>" if working else ""
    rows = "".join(
        f"<tr><td>{SIGNS['holds' if check.holds else 'fails']}</td><td>{typeset(check.what)}</td>"
        f"<td>{escape(show(check.measured))}</td><td>{'≠' if check.differ else '='}</td>"
        f"<td>{escape(show(check.expected))}</td></tr>"
        for check in result.outcome.checks
    )
    head = "<tr><th></th><th>check</th><th>measured</th><th></th><th>expected</th></tr>"
    checks = f"<table>{head}{rows}</table>" if rows else ""
    return f"<details><summary>working</summary>{working}{checks}</details>"


GREEK = {
    name: chr(code)
    for code, name in enumerate(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho final sigma "
        "tau upsilon phi chi psi omega".split(),
        start=0x3B1,
    )
}
GREEK |= {name.capitalize(): GREEK[name].upper() for name in "delta theta lambda sigma phi psi omega".split()}
SIGNS_OF_FORMULAS = {
    " <- ": " ← ",
    "->": "→",
    " - ": " − ",
    ">=": "≥",
    "<=": "≤",
    "grad ": "∇",
    "sqrt(": "√(",
}


def typeset(text: str) -> str:
    """Plain formulas as HTML: x_1 and W_hh get their index, e^-z and x^2 their exponent, `code` its font.

    An index is recognized behind a single letter, so that names such as batch_size stay as they are; theta
    becomes the letter, but not in theta=1, which somebody may type.
    """
    parts = text.split("`")
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"<code>{escape(part, quote=False)}</code>"
            continue
        for plain, sign in SIGNS_OF_FORMULAS.items():
            part = part.replace(plain, sign)
        part = re.sub(rf"(?<![A-Za-z])(d?)({'|'.join(GREEK)})(?![A-Za-z=])", _greek, part)
        part = re.sub(
            r"(?<![\w.)\]-])-(?=[\d.])", "−", part
        )  # a number below zero, but not the exponent of 1e-12
        part = re.sub(r"(?<![A-Za-z])prod(?=_)", "Π", part)
        part = re.sub(r"(?<![A-Za-z])sum(?=[_ ]\w?)_?(?:\{([^}]*)\}|(\w(?!\w)))?", _sum, part)
        part = re.sub(r"(?<![A-Za-z])(d?[A-Za-z])~", "\\1\u0303", part)  # c~ with its tilde above
        part = re.sub(r"(?<![A-Za-z])(d?[A-Za-z])\^(?![\w{(*'+−-])", "\\1\u0302", part)  # y^ with its hat
        part = escape(part, quote=False)
        part = re.sub(
            r"(?<![A-Za-z])(d?[A-Za-zα-ωΣΠ]\u0303?|argmin|argmax)_(?:\{([^}]*)\}|([A-Za-z\d]{1,3})\b)",
            _index,
            part,
        )
        for _ in range(2):  # e^{w^T x}: first the outer exponent, then the one inside
            part = re.sub(r"\^(?:\{([^}]*)\}|\(([^)]*)\)|([-−]?\w+|[*'+]))", _exponent, part)
        parts[index] = re.sub(r"\[(Right[^\]:]*:)", r'<span class="right"><b>\1</b>', part)
    html = "".join(parts)
    if '<span class="right">' in html:  # up to the bracket that closes the remark
        before, _, after = html.rpartition("]")
        html = f"{before}</span>{after}"
    return html


def _greek(match: re.Match[str]) -> str:
    return match[1] + GREEK[match[2]]


def _sum(match: re.Match[str]) -> str:
    index = match[1] or match[2]
    return f"Σ_{{{index}}}" if index else match[0]


def _index(match: re.Match[str]) -> str:
    letter, braced, plain = match.groups()
    return f"{letter}<sub>{braced or plain}</sub>"


def _exponent(match: re.Match[str]) -> str:
    return f"<sup>{next(group for group in match.groups() if group is not None)}</sup>"
