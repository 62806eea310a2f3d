"""Formulas in plain text, for a terminal."""

import re

from intro_dl.lectures.engine.page import GREEK

_NAMES = (
    "sum Σ prod Π int ∫ partial ∂ nabla ∇ infty ∞ cdot · times × circ ∘ odot ⊙ star ⋆ leftarrow ← gets ← "
    "rightarrow → to → in ∈ le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ equiv ≡ sim ~ pm ± ldots ... dots ... "
    "cdots ... varepsilon ε top T mid | ell l"
).split()
_NOTHING = (  # sizes and fonts
    "quad qquad left right big Big bigl bigr text mathrm mathbf mathbb mathcal boldsymbol operatorname "
    "displaystyle limits"
).split()
SYMBOLS = GREEK | dict(zip(_NAMES[::2], _NAMES[1::2], strict=True)) | dict.fromkeys(_NOTHING, "")
GROUP = r"\{([^{}]*)\}"  # innermost braces
RULES = (
    (rf"\\[dt]?frac\s*{GROUP}\s*{GROUP}", lambda found: f"{_factor(found[1])}/{_factor(found[2])}"),
    (rf"\\sqrt\s*{GROUP}", lambda found: f"√({found[1]})"),
    (rf"\\(?:hat|tilde|bar|vec)\s*{GROUP}", lambda found: found[1]),
    (rf"\\(?:begin|end)\s*{GROUP}", lambda found: ""),
    (rf"([_^])\s*{GROUP}", lambda found: found[1] + _index(found[2])),
    (GROUP, lambda found: found[1]),
)


def plain(tex: str) -> str:
    r"""Return a TeX formula as one line of text: "\frac{dz}{dw_1} = \cos(w_1)" as "dz/dw_1 = cos(w_1)"."""
    text = re.sub(r"\\[,;:! ]|~|&|\\\\", " ", tex)
    text = re.sub(r"\\([{}|])", lambda found: {"{": "⦃", "}": "⦄", "|": "‖"}[found[1]], text)  # not groups
    text = re.sub(r"\\([A-Za-z]+)", lambda found: SYMBOLS.get(found[1], found[0]), text).replace("∂ ", "∂")
    while "{" in text or "}" in text:
        for pattern, replacement in RULES:  # the inner fraction first, then the outer one
            text, count = re.subn(pattern, replacement, text)
            if count:
                break
        else:  # a brace without its partner
            text = re.sub(r"[{}]", "", text)
    return " ".join(text.replace("⦃", "{").replace("⦄", "}").replace("\\", "").split())


def _factor(part: str) -> str:
    """Put a numerator or denominator in parentheses if it has more than one part."""
    return part if re.fullmatch(r"[^\s+\-]+", part) else f"({part.strip()})"


def _index(part: str) -> str:
    """Put an index or exponent in parentheses if it has more than one part."""
    return part if re.fullmatch(r"-?\w+|\(.*\)", part) else f"({part})"
