"""Tuning: a search for better settings, each tried by an ordinary training."""
