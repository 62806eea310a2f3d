"""Every building block by hand in plain tensor operations and the slides' notation, proven equal to torch."""
