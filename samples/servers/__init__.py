"""Real servers, started for a demo or a test and stopped after it."""
