"""Run the claims of the lectures and report what they compute."""
