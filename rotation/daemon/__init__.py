"""The resident process: it holds the open store, and answers agents and scans that hold nothing of it."""
