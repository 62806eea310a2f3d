"""Lecture 001: An Introduction to Deep Learning (MNIST, CNN, RNN, LSTM)."""

PARTS = (  # about in slide order
    "applications",
    "imagenet",
    "softmax_regression",
    "multilayer_perceptron",
    "technical_problems",
    "convolution",
    "networks_on_digits",
    "sequence_modeling",
    "recurrent_cell",
    "lstm",
    "other_frameworks",
)

# The claims on the slides of this deck, in slide order. Decks share claims, each with a file in one of them.
CLAIMS = """
    R3 A7 A8 A9 A10 R2 E19 H5 P1 N7 N30 N8 H1 E31 F37 F38 H8 N9 E2 H2 E23 N10 E3 P6 R1 N12 N13 N11
    P4 H3 P7 H4 E22 R4 A11 A3 A12 F41 A13 A14 A4 R9 F39 P9 N29 S10 N23 E12 F40 A15 A16 A17 A18 A19
""".split()
