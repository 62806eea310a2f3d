"""Figures of lecture 001."""
