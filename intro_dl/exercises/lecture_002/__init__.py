"""Exercises of lecture 002, in slide order."""

EXERCISES = (
    "activations",
    "deltas",
    "squared_error_or_cross_entropy",
    "train_two_layers",
    "learning_rate_schedule",
    "adam_step",
    "weight_decay",
)
