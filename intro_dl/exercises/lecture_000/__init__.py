"""Exercises of lecture 000, in slide order."""

EXERCISES = ("sigmoid",)
