"""The chapters of the key-age report.  Pure: every sentence is computed from the figures of its tables."""
