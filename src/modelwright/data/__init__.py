"""Labelled rows from wherever they are: read, checked, split. Never imports a framework."""
