"""Write values the way Hydra's command line reads them, and read them back."""

import re

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

# Hydra reads 1_000 as 1000, and NULL as null.
REWRITTEN = re.compile(r"(?i)true|false|null|[+-]?[\d_.]+(e[+-]?\d+)?|[+-]?(inf|nan)")


def quote(value: str) -> str:
    """Return the value in quotes where Hydra would change or split it; unchanged if it is in quotes."""
    plain = re.fullmatch(r"[\w./-]*", value, re.ASCII) and not REWRITTEN.fullmatch(value)
    return value if plain or _quoted(value) else QuotedString(value, Quote.single).with_quotes()


def unquote(value: str) -> str:
    """Return the value without its quotes, as Hydra reads it."""
    quoted = _quoted(value)
    return quoted.text if quoted else value


def _quoted(value: str) -> QuotedString | None:
    if len(value) < 2 or value[0] not in "'\"" or value[0] != value[-1]:
        return None
    try:
        parsed = OverridesParser.create().parse_rule(value, "primitive")
    except HydraException:
        return None
    return parsed if isinstance(parsed, QuotedString) else None


def scheduler_by_name(argument: str) -> str:
    """Write scheduler=none for scheduler=null, since Hydra cannot sweep scheduler=null,cosine."""
    return re.sub(r"\bnull\b", "none", argument) if argument.startswith("scheduler=") else argument
