"""What surrounds a training: its folder, files, checkpoints, processes and interruptions."""
