"""Exercises of lecture 003, in slide order."""

EXERCISES = (
    "dense_layer",
    "two_layer_network",
    "train_logistic_regression",
    "rmsprop_step",
    "train_network",
    "learning_curves",
)
