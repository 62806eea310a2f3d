"""Lecture 000: MIT 6.S191, lecture 1, 2018. Lecture 003 repeats nearly all of it."""

PARTS = ("applications", "perceptron", "loss", "optimization", "overfitting")  # in slide order
