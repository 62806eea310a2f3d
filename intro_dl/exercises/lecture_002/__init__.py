"""Exercises of lecture 002, in slide order."""

EXERCISES: tuple[str, ...] = ()
