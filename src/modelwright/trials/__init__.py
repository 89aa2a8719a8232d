"""Trials: single trainings with their measurement, and the runners that carry them out."""
