"""Exercises of lecture 000, in slide order."""

EXERCISES = (
    "sigmoid",
    "perceptron",
    "binary_cross_entropy",
    "mean_squared_error",
    "gradient_descent",
    "momentum_step",
    "mini_batches",
    "dropout",
    "early_stopping",
)
