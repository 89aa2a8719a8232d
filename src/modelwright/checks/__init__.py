"""Test sentences with known answers, each of which probes one skill of a model."""
