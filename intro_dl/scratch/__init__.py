"""Every building block by hand in plain tensor operations, in the slides' notation, each proven equal to torch."""
