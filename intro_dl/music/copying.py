"""How much of a generated text was copied: its longest passage that stands in the training text too."""


def longest_copied(text: str, training_text: str) -> str:
    """The longest passage of `text` that is also in `training_text`; of equally long ones the first.

    The header of a tune counts like its music; leave it out if it should not. Each start is asked only for a
    passage longer than the best so far, so the cost is len(text) searches and a few more.
    """
    best = ""
    for start in range(len(text)):
        while start + len(best) < len(text) and text[start : start + len(best) + 1] in training_text:
            best = text[start : start + len(best) + 1]
    return best
