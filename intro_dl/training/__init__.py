"""Train one model: from a config to a result."""
