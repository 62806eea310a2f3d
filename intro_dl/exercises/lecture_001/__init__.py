"""Exercises of lecture 001, in slide order."""

EXERCISES = (
    "softmax",
    "softmax_regression",
    "batch_norm",
    "convolve_2d",
    "output_sizes",
    "max_pooling",
    "sample_with_temperature",
    "rnn_step",
    "lstm_step",
)
