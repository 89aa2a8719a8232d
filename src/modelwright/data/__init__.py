"""Labeled rows from any source: read, checked, split. Imports no framework."""
