"""Check commands and configs before torch is imported."""
