"""Use a trained run: evaluate it, predict with it, sample from it, export it."""
