"""keysweep: find leaked agent keys, map them, force their rotation, prove it."""
