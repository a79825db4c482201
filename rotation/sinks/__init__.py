"""Files that agents read their keys from: replaced whole, changed in one place, and read back."""
