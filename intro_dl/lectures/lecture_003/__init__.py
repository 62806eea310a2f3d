"""Lecture 003: MIT 6.S191, lecture 1, 2022. Claims that it shares with lecture 000 are in lecture_000."""

PARTS = ("applications", "tensorflow_2")  # in slide order
