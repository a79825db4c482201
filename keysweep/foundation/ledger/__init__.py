"""The append-only, hash-chained record that every room writes: a scan that found nothing is evidence too."""
