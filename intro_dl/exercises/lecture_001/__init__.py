"""Exercises of lecture 001, in slide order."""

EXERCISES: tuple[str, ...] = ()
