"""Exercises of lecture 003, in slide order."""

EXERCISES: tuple[str, ...] = ()
