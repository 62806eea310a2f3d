"""Tunes in ABC notation: read them, check them, play them, and see what was copied."""
