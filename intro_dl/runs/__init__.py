"""What lies on disk: the folder of a run, its result, checkpoints and sweeps, and writing files safely."""
