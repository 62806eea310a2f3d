"""Lecture 003: questions."""
