"""Lecture 000: MIT 6.S191, lecture 1, 2018. Lecture 003 repeats nearly all of it."""

PARTS = (  # in slide order
    "applications",
    "perceptron",
    "loss",
    "gradient_descent",
    "adaptive_rates",
    "mini_batches",
    "overfitting",
)

# The claims on the slides of this deck, in slide order. Decks share claims, each with a file in one of them.
CLAIMS = """
    A1 A2 A3 A4 A5 A6 F1 F2 F3 N1 N2 N3 N4 F4 E1 S3 E11 N5 F5 S1 F6 P5 R8 F8 S2 F7 F11 S4 F13
""".split()
