"""What is typed: put in order for Hydra, checked, and answered in a sentence if it makes no sense."""
