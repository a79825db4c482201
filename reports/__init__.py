"""Reads the evidence, never acts.  Cannot reach plaintext."""
