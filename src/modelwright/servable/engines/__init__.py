"""The engines that can run a servable: one file for each, and the registry that finds them."""
