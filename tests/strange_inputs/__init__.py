"""What strange machines, shells and files do to the commands; each gets an answer in one sentence."""
