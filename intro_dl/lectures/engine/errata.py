"""The errata to hand back to the authors of the slides, as one Markdown page for each deck."""

import re
from collections.abc import Sequence

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Check, Result
from intro_dl.lectures.engine.report import show_check


def to_errata(results: Sequence[Result], lecture: str | None) -> str:
    """Return the errata of a lecture, or of each: text as printed, text to paste, proof, command."""
    pages = []
    for name in [lecture] if lecture else LECTURES:
        errata = [result for result in results if name in result.claim.lectures]
        if errata:
            pages.append("\n".join([f"# Errata of {name}: {LECTURES[name]}", *map(_erratum, errata)]))
    return "\n\n".join(pages) + "\n"


def _erratum(result: Result) -> str:
    claim = result.claim
    if result.verdict == "erratum":
        lines = [f"- {show_check(check)}" for check in _proof(result.outcome.checks)]
    else:
        lines = [f"- **Not proven here:** {result.error or 'a check does not hold'}"]
    return f"""
## {claim.slide}

Printed:

```text
{_as_printed(claim.says)}
```

Replace with:

```text
{_as_printed(claim.right)}
```

Proof, computed by `intro-dl lectures id={claim.id}`:

{chr(10).join(lines)}"""


def _proof(checks: Sequence[Check]) -> list[Check]:
    """Return the check that the versions differ, and one beside it that confirms a version in another way."""
    place = next(place for place, check in enumerate(checks) if check.differ)
    continues = checks[place].what.startswith("...")  # the check before it
    others = [*checks[place - 1 : place]] * continues + [*checks[place:], *checks]
    confirms = next((check for check in others if not check.differ), None)
    return [check for check in checks if check is checks[place] or check is confirms]


def _as_printed(text: str) -> str:
    """Return a text without the marks of code; `lines`; `of code` stand below each other."""
    lines = re.findall("`([^`]*)`", text)
    if not text.startswith("`"):
        return text
    block = next((number for number, line in enumerate(lines) if line.endswith(":")), len(lines))
    return "\n".join("    " * (number > block) + line for number, line in enumerate(lines))
