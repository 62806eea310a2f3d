"""Compare runs: read their folders, show them in one table, and plot what varies."""
