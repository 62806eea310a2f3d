"""The Hydra configs; shipped in the wheel as `intro_dl.configs`."""
