"""Pruners: each says after an epoch whether a training is worth going on with."""
