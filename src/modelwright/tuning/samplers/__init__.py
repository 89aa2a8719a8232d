"""Samplers: each proposes the values of the next trial from the trials so far."""
