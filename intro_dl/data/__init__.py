"""Data sets: fixed splits as tensors, metadata for the model, and batches cut by index."""
