"""`keysweep run`: start an agent with its keys, put it on new ones, and attest what it really holds."""
