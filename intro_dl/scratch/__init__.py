"""Every building block by hand, in plain tensor operations and the slides' notation, equal to torch."""
