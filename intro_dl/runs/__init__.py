"""What is on disk: the folder of a run, its result, checkpoints and sweeps, and writing files safely."""
