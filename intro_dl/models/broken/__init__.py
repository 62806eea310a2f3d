"""Models with a deliberate mistake, for `experiment=broken/<name>`."""
