"""Read a command line, pass it to Hydra, and explain errors in one sentence."""
