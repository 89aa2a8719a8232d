"""Errors, types, config and files. Imports nothing heavy and no other layer."""
