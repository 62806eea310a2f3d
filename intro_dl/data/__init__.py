"""The data sets: facts (`dims`), fixed splits, one tensor a split, batches cut by index."""
