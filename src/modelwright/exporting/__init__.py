"""Export: a finished run becomes a checked servable. Needs TensorFlow."""
