"""Lecture 004: M. Kagan, IN2P3 School of Statistics 2021, lecture I."""

PARTS = (  # in slide order
    "applications",
    "regularization",
    "logistic_regression",
    "gradient_descent",
    "adaptive_basis",
    "changing_graphs",
    "autodiff",
    "backpropagation",
    "capacity",
    "convolution",
    "deep_networks",
    "multiclass",
)

# The claims on the slides of this deck, in slide order. Decks share claims, each with a file in one of them.
CLAIMS = """
    A29 R6 A30 A15 A16 A28 F20 R11 F21 E28 F22 E8 F23 F24 R7 F8 F25 N22 F26 E29 F27 E6 E30 N18 N19
    E21 N20 N21 F28 F29 F30 E20 F31 F32 F33 N14 N15 N16 N17 F34 F35 P4 P1 H5 A5 H6 P2 P3 H7 F36
""".split()
