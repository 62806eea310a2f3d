"""The lectures as one web page or one Markdown page, from the templates page.html and page.md."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from intro_dl.figures.catalog import Script, all_scripts
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Result
from intro_dl.lectures.engine.report import SIGNS, by_lecture, count_line, measured_lines, show


def to_html(results: Sequence[Result], lecture: str | None, pictures: Mapping[str, bytes]) -> str:
    """Return a self-contained page: a table for each lecture, each claim with its working and checks.

    Args:
        pictures: the figures by id, as PNG. Each stands below the first claim of the page that it belongs to.
    """
    figures: dict[str, list[tuple[Script, str]]] = {}
    for id, picture in pictures.items():
        script = all_scripts()[id]
        owner = next((result.claim.id for result in results if result.claim.id in script.claims), None)
        if owner:
            figures.setdefault(owner, []).append((script, b64encode(picture).decode()))
    return _render("page.html", results, lecture, figures=figures)


def to_markdown(results: Sequence[Result], lecture: str | None) -> str:
    """Return a Markdown page with a table for each lecture."""
    return _render("page.md", results, lecture)


def _render(template: str, results: Sequence[Result], lecture: str | None, **values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "typeset": typeset,
        "cell": escaped,
        "show": show,
        "measured_lines": measured_lines,
    }
    return environment.get_template(template).render(
        titles=LECTURES,
        signs=SIGNS,
        groups=by_lecture(results, lecture),
        count=Counter(result.verdict for result in results),
        summary=count_line(results),
        **values,
    )


def escaped(text: str) -> str:
    """Escape what Markdown would read as markup, also in a table; `code` stays code."""
    parts = " ".join(text.replace("|", "\\|").split()).split("`")
    for index in range(0, len(parts), 2):  # outside the backticks
        parts[index] = re.sub(r"[*_<\[\]~]", r"\\\g<0>", parts[index])
    return "`".join(parts)


GREEK = {
    name: chr(code)
    for code, name in enumerate(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho final sigma "
        "tau upsilon phi chi psi omega".split(),
        start=ord("α"),
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
FORMULA_RULES = (  # pattern and replacement, applied in this order to plain text
    (r"(?<![A-Za-z])prod(?=_)", "Π"),
    (r"(?<![A-Za-z])sum_(?:\{([^}]*)\}|(\w(?!\w)))", r"Σ_{\1\2}"),
    (r"(?<![\w.)\]-])-(?=[\d.Σ∇])", "−"),  # a negative number, but not the exponent of 1e-12
    (r"(?<![A-Za-z])(d?[A-Za-z])~", "\\1\u0303"),  # c~ with its tilde above
    (r"(?<![A-Za-z])(d?[A-Za-z])\^(?![\w{(*'+−-])", "\\1\u0302"),  # y^ with its hat
)
EXPONENT = (r"\^(?:\{([^}]*)\}|\(([^)]*)\)|([-−]?\w+(?:<sub>\w+</sub>)?|[*'+]))", r"<sup>\1\2\3</sup>")
HTML_RULES = (  # the same, for text with & < > escaped
    (
        r"(?<![A-Za-z])(d?[A-Za-zα-ωΣΠ]\u0303?|argmin|argmax)_(?:\{([^}]*)\}|([A-Za-z\d]{1,3})\b)",
        r"\1<sub>\2\3</sub>",
    ),
    EXPONENT,  # e^{w^T x}: first the outer exponent,
    EXPONENT,  # then the one inside
)


def typeset(text: str) -> Markup:
    """Set plain formulas as HTML: indices of x_1 and W_hh, exponents of e^-z and x^2, `code` in its font.

    An index must follow a single letter, so names such as batch_size stay as they are. "theta" becomes the
    Greek letter, but not in theta=1, which is an argument.
    """
    parts = text.split("`")
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"<code>{escape(part, quote=False)}</code>"
            continue
        for plain, sign in SIGNS_OF_FORMULAS.items():
            part = part.replace(plain, sign)
        greek = rf"(?<![A-Za-z])(d?)({'|'.join(GREEK)})(?![A-Za-z=])"
        part = re.sub(greek, lambda match: match[1] + GREEK[match[2]], part)
        for pattern, replacement in FORMULA_RULES:
            part = re.sub(pattern, replacement, part)
        part = escape(part, quote=False)
        for pattern, replacement in HTML_RULES:
            part = re.sub(pattern, replacement, part)
        parts[index] = part
    return Markup("".join(parts))
