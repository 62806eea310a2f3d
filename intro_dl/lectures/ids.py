"""Every claim of the five lectures has an ID; this file lists them all, so that none can be forgotten."""

# The decks, in the order in which the command walks through them.
LECTURES = {
    "000": "MIT 6.S191, lecture 1, 2018",
    "001": "An Introduction to Deep Learning (MNIST, CNN, RNN, LSTM)",
    "002": "UNSW COMP9321, 2019, week 7: Introduction to Neural Networks",
    "003": "MIT 6.S191, lecture 1, 2022",
    "004": "M. Kagan, IN2P3 School of Statistics 2021, lecture I",
}

# What the first letter of an ID stands for.
KINDS_OF_ID = {
    "N": "worked numeric examples",
    "F": "formulas and algorithms",
    "P": "parameter counts",
    "H": "headline numbers, measured by training",
    "S": "code snippets and their PyTorch twins",
    "E": "slide errata",
}


def _numbered(letter: str, last: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(1, last + 1))


ALL_IDS: tuple[str, ...] = (
    *_numbered("N", 30),
    *_numbered("F", 41),
    *_numbered("P", 9),
    *_numbered("H", 9),
    *_numbered("S", 11),
    *_numbered("E", 5),
    "E5b",  # the same slide as E5, another formula
    *_numbered("E", 22)[5:],
)
