"""One sender of alarms a file: verify, then parse."""
