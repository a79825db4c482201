"""Measurements: speed and accuracy of the scanner beside its peers, in one run on one input."""
