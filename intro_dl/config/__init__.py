"""Check what a command or a config asks for, before torch is imported."""
