"""The life of model versions: find, load, check, go live, drain, unload."""
