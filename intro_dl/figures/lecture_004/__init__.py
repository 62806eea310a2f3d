"""Figures of lecture 004."""
