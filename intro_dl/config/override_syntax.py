"""Write values the way Hydra's command line reads them."""

import re


def quote(value: str) -> str:
    """Return the value in quotes where Hydra would change or split it."""
    rewritten = re.fullmatch(r"(?i)true|false|[+-]?[\d_.]+(e[+-]?\d+)?|[+-]?(inf|nan)", value)
    if (re.fullmatch(r"[\w./-]*", value) and not rewritten) or value[:1] in "'\"$":
        return value
    # Hydra reads a backslash as it is, except before a quote.
    return "'" + re.sub(r"(\\+)(?='|\Z)", r"\1\1", value).replace("'", "\\'") + "'"


def scheduler_by_name(argument: str) -> str:
    """Write scheduler=none for scheduler=null, since Hydra cannot sweep scheduler=null,cosine."""
    return re.sub(r"\bnull\b", "none", argument) if argument.startswith("scheduler=") else argument
