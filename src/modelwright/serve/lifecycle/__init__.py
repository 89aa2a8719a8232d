"""Model versions from their folders to requests: find, load, check, run, drain, unload."""
