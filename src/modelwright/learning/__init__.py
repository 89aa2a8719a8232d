"""Ways in which a trained network learns new rows without forgetting the old ones."""
