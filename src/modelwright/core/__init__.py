"""Errors, types, config, files and reports. Imports nothing heavy and no other layer."""
