"""Figures of lecture 002."""
