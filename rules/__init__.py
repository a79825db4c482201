"""What a leaked key looks like.  Knows nothing of the rooms to its right."""
