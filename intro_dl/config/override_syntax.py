"""Write values the way Hydra's command line reads them."""

import re


def quote(value: str) -> str:
    """A value that Hydra takes as it is."""
    spelled_anew = re.fullmatch(r"(?i)true|false|[+-]?[\d_.]+(e[+-]?\d+)?|[+-]?(inf|nan)", value)
    if (re.fullmatch(r"[\w./-]*", value) and not spelled_anew) or value[:1] in "'\"$":
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def scheduler_by_name(argument: str) -> str:
    """With scheduler=none for scheduler=null, which Hydra could not sweep: scheduler=null,cosine."""
    return re.sub(r"\bnull\b", "none", argument) if argument.startswith("scheduler=") else argument
