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
