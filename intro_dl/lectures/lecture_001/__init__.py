"""Lecture 001: An Introduction to Deep Learning (MNIST, CNN, RNN, LSTM)."""

PARTS = (  # about in slide order
    "applications",
    "fully_connected",
    "convolution",
    "networks_on_digits",
    "recurrence",
    "other_frameworks",
)
