"""Lecture 003: MIT 6.S191, lecture 1, 2022. Claims that it shares with lecture 000 are in lecture_000."""

PARTS = ("applications", "tensorflow_2")  # in slide order

# The claims on the slides of this deck, in slide order. Decks share claims, each with a file in one of them.
CLAIMS = """
    A24 A25 A2 S11 A27 A26 A28 A8 A5 A6 F1 F2 F3 N1 N2 N3 S5 E14 N4 F4 E1 S3 E11 N5 F5 S6 F6 P5 R8
    S7 E32 F8 E10 F7 F11 S4 F13
""".split()
