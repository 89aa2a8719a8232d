"""Explanations: why a model gives a row a label, and how far the explanation is true."""
