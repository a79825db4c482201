"""Rotation itself: plan (pure), journal, execute, recover."""
