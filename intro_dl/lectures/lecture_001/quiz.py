"""Lecture 001: questions."""
