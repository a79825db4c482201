"""Accuracy of the scanner beside its peers: generated keys in many contexts, hard negatives, one table for all tools."""
