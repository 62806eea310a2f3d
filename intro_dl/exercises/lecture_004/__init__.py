"""Exercises of lecture 004, in slide order."""

EXERCISES = (
    "logistic_gradient",
    "hidden_layer",
    "dual_numbers",
    "reverse_mode",
    "honest_test",
    "initialization",
    "convolve_1d",
)
