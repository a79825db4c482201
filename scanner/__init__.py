"""Bytes in, findings out.  Opens no socket and sees no stored key."""
