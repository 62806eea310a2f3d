"""The data sets: metadata (`dims`), fixed splits, one tensor a split, batches cut by index."""
