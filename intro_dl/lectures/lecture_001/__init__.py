"""Lecture 001: An Introduction to Deep Learning (MNIST, CNN, RNN, LSTM)."""

PARTS = ("fully_connected", "convolution", "networks_on_digits", "recurrence")  # about in slide order
