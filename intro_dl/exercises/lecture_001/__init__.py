"""Exercises of lecture 001, in slide order."""

EXERCISES = (
    "softmax",
    "softmax_regression",
    "batch_norm",
    "convolve_2d",
    "output_sizes",
    "sample_with_temperature",
    "lstm_step",
)
