"""The egress broker: an agent holds a placeholder, and its requests leave with the key.  A rotation restarts nobody (docs/broker.md)."""
