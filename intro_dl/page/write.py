"""Put the page together: one HTML file that holds its style, its scripts and the content of the runs.

Does not import torch: a page of the models that ship with the package is written at once.
"""

import json
import math
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent / "web"
SHIPPED = Path(__file__).parent / "shipped"
MODELS = ("lenet", "mlp", "char_lstm")  # that ship with the package; docs/make_page_models.py trains them
TABS = ("draw", "playground", "characters", "autodiff", "optimizers", "convolution")
SHELL = ("dom", "address", "theme", "canvas", "charts", "runs", "tabs", "animation")


def to_page(entries: Sequence[dict[str, Any]], command: str) -> str:
    """Return the page about these runs, made by this command."""
    content = {"version": version("intro-dl"), "command": command, "runs": entries}
    programs = [f"\n{path.read_text(encoding='utf-8')}" for path in scripts()]
    parts = {
        "policy": f'<meta http-equiv="Content-Security-Policy" content="{policy(programs)}">',
        "page.css": (WEB / "page.css").read_text(encoding="utf-8"),
        "content": f'<script type="application/json" id="content">{as_data(content)}</script>',
        "scripts": "\n".join(f"<script>{program}</script>" for program in programs),
    }
    pieces = [(WEB / "page.html").read_text(encoding="utf-8")]
    for name, text in parts.items():  # each mark once, and never in what was put in
        before, mark, after = pieces[-1].partition(f"<!-- MARK {name} -->")
        assert mark, f"page.html has no mark for {name}"
        pieces[-1:] = [before, text, after]
    return "".join(pieces)


def written_here(file: Path) -> bool:
    """Return whether a file is such a page: its first lines are those of page.html."""
    beginning = (WEB / "page.html").read_bytes()[:40]
    with file.open("rb") as stream:
        return stream.read(len(beginning)) == beginning


def policy(programs: Sequence[str]) -> str:
    """Return what the browser may do: run exactly these programs, and load nothing from elsewhere."""
    hashes = [b64encode(sha256(program.encode()).digest()).decode() for program in programs]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def shipped() -> list[dict[str, Any]]:
    """Return the entries of the models that ship with the package."""
    return [json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8")) for name in MODELS]


def scripts() -> list[Path]:
    """Return the scripts of the page in the order that page.html describes."""
    found = [*sorted((WEB / "engine").glob("*.js")), *(WEB / "shell" / f"{name}.js" for name in SHELL)]
    for tab in TABS:
        found += sorted((WEB / tab).glob("*.js"), key=lambda path: (path.stem == tab, path.name))
    return [*found, WEB / "shell" / "start.js"]


def as_data(value: Any) -> str:
    """Return JSON that HTML cannot take for a tag, whatever the texts in it are.

    Numbers that are not finite become null.
    """
    text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)  # ASCII: others are escaped
    return text.replace("<", "\\u003c")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
