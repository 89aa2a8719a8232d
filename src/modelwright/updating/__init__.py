"""A served model learns new rows, and goes live only if old and new figures allow it."""
