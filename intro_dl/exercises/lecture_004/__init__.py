"""Exercises of lecture 004, in slide order."""

EXERCISES: tuple[str, ...] = ()
