"""Lecture 001: An Introduction to Deep Learning (MNIST, CNN, RNN, LSTM)."""

PARTS = ("fully_connected", "convolution", "recurrence")  # in slide order
