"""Reproduces the published claims and writes the results pages."""
