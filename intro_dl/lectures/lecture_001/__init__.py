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
