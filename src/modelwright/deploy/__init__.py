"""Writes the files that serve a folder of models on other machines. Starts nothing."""
