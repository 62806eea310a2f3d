"""Lecture 002: UNSW COMP9321, 2019, week 7, Introduction to Neural Networks."""

PARTS = (  # in slide order
    "applications",
    "hidden_units",
    "backpropagation",
    "modules",
    "loss_functions",
    "optimization",
    "practice",
)

# The claims on the slides of this deck, in slide order. Decks share claims, each with a file in one of them.
CLAIMS = """
    A21 A20 A5 A8 A22 A23 A4 A13 A7 E17 F14 N28 F2 N6 E24 F19 E18 R10 F15 N27 E1 S3 E11 E25 E26 F18
    F16 E7 E4 E16 H9 F17 E5 F9 F7 S8 F10 N25 E9 F8 R5 S2 N24 E13 F11 S4 F12 F13 S9 E14 N26 P8 E15
    E27
""".split()
