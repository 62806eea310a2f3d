"""Formulas in plain text, for a terminal."""

import re

from intro_dl.lectures.engine.page import GREEK

_NAMES = (
    "sum Σ prod Π int ∫ partial ∂ nabla ∇ infty ∞ cdot · times × circ ∘ odot ⊙ star ⋆ leftarrow ← gets ← "
    "rightarrow → to → in ∈ le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ equiv ≡ sim ~ pm ± ldots ... dots ... "
    "cdots ... vdots ... ddots ... circledast ⊛ varepsilon ε top T mid | ell l"
).split()
_NOTHING = "quad qquad left right big Big bigl bigr displaystyle limits".split()
SYMBOLS = GREEK | dict(zip(_NAMES[::2], _NAMES[1::2], strict=True)) | dict.fromkeys(_NOTHING, "")
GROUP = r"\{([^{}]*)\}"  # innermost braces


def _fraction(found: re.Match[str]) -> str:
    parts = (part if re.fullmatch(r"[^\s+\-]+", part) else f"({part.strip()})" for part in found.groups()[:2])
    return "/".join(parts) + " " * bool(found[3])


def _index(part: str) -> str:
    """Put an index or exponent in parentheses if it has more than one part."""
    return part if re.fullmatch(r"-?\w+|\(.*\)", part) else f"({part})"


RULES = (  # from the inside to the outside
    (
        rf"\\(?:text|math[a-z]+|boldsymbol|operatorname\*?|underbrace|hat|tilde|bar|vec)\s*{GROUP}",
        lambda found: found[1],
    ),
    (rf"\\[dt]?frac\s*{GROUP}\s*{GROUP}(?=(\w?))", _fraction),
    (rf"\\sqrt\s*{GROUP}", lambda found: f"√({found[1]})"),
    (rf"\\(?:begin|end)\s*{GROUP}", lambda found: ""),
    (rf"([_^])\s*{GROUP}", lambda found: found[1] + _index(found[2])),
    (rf"(?<![A-Za-z}}]){GROUP}", lambda found: found[1]),
)


def plain(tex: str) -> str:
    r"""Return a TeX formula as one line of text: "\frac{dz}{dw_1} = \cos(w_1)" as "dz/dw_1 = cos(w_1)"."""
    text = re.sub(r"\\[,;:! ]|~|&|\\\\", " ", tex)
    text = re.sub(r"\\([{}|])", lambda found: {"{": "⦃", "}": "⦄", "|": "‖"}[found[1]], text)  # not groups
    text = re.sub(r"\\(left|right)\.", "", text)
    text = re.sub(r"\\[dt]?frac\s*(\d|\{\d\})\s*(\d|(?=\{))", _digits, text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: SYMBOLS.get(found[1], found[0]), text).replace("∂ ", "∂")
    while "{" in text or "}" in text:
        for pattern, replacement in RULES:  # the inner fraction first, then the outer one
            text, count = re.subn(pattern, replacement, text)
            if count:
                break
        else:  # a brace without its partner
            text = re.sub(r"[{}]", "", text)
    return " ".join(text.replace("⦃", "{").replace("⦄", "}").replace("\\", "").split())


def _digits(found: re.Match[str]) -> str:
    r"""Put the braces into \frac12 and \frac1{n}."""
    above, below = found[1].strip("{}"), found[2]
    return f"\\frac{{{above}}}" + (f"{{{below}}}" if below else "")
