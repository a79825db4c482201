"""Small agents to try keysweep on: they work with a key from their environment and report, never the key."""
