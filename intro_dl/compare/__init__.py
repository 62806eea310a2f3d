"""From many runs to one answer: read their folders, set them side by side, and plot what varies.

Free of torch, so that it answers at once.
"""
