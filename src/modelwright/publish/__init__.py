"""Reproduces published numbers and writes the results pages."""
