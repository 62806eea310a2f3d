"""Figures of lecture 000."""
