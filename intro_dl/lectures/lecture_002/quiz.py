"""Lecture 002: questions."""
