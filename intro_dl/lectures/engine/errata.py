"""The errata to hand back to the authors of the slides, as one Markdown page for each deck."""

from collections.abc import Sequence

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Result
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
    claim, checks = result.claim, result.outcome.checks
    # The first check that shows the difference, and the first that confirms a version in another way.
    proof = [next((check for check in checks if check.differ is differ), None) for differ in (True, False)]
    lines = [f"- {show_check(check)}" for check in proof if check is not None]
    if result.verdict != "erratum":
        lines = [f"- **Not proven here:** {result.error or 'a check does not hold'}"]
    return f"""
## {claim.slide}

Printed:

```text
{claim.says.replace("`", "")}
```

Replace with:

```text
{claim.right.replace("`", "")}
```

Proof, computed by `intro-dl lectures id={claim.id}`:

{chr(10).join(lines)}"""
