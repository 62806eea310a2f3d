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
