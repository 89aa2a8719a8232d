"""Whether new rows differ from those that a model was trained on."""
