"""Settings known to score, one TOML file each, and how a user's own are laid over them."""
