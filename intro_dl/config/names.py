"""Suggest the name that a user meant: "Did you mean ...?"."""

from collections.abc import Sequence
from difflib import get_close_matches

MANY = 30  # options; of more, a message lists only the nearest


def closest(name: str, options: Sequence[str]) -> str | None:
    """Return the option that a misspelled or misplaced name means, or None."""
    group, _, last = name.lower().rpartition(".")
    same_group = [option for option in options if option.rpartition(".")[0] == group]
    parts = [option for option in same_group if last in option.rpartition(".")[-1].split("_")]
    close = get_close_matches(name.lower(), parts, n=1, cutoff=0.0)  # data.size -> data.image_size
    cutoff = 0.6 if len(name) > 4 else 0.5  # one wrong letter weighs more in a short name
    close += get_close_matches(name.lower(), options, n=1, cutoff=cutoff)
    close += [option for option in options if option.rpartition(".")[-1] == last]
    return close[0] if close else None


def nearest(name: str, options: Sequence[str]) -> str:
    """Return " Did you mean ...? Available: ...", for a name that is not in `options`."""
    close, group = closest(name, options), name.rpartition(".")[0]
    guess = f" Did you mean {close}?" if close else ""
    siblings = [option for option in options if option.rpartition(".")[0] == group]
    siblings = siblings or [option for option in options if "." not in option]
    if len(siblings) > MANY:
        return f"{guess} The nearest names: {', '.join(get_close_matches(name, siblings, n=3, cutoff=0.0))}."
    return f"{guess} Available: {', '.join(sorted(siblings)) or 'none'}."
