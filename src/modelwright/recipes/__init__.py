"""Recipes: TOML files with settings of known accuracy, and how a user's settings override them."""
