"""The servable: one folder that is served, and the one path by which it answers."""
