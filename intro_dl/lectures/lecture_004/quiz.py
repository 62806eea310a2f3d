"""Lecture 004: questions."""
