"""The ground floor: what at least two rooms need and no library gives."""
