"""Inputs and simulators to try keysweep on; nothing of the product imports them."""
