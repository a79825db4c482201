"""One file a format; converts, never computes."""
