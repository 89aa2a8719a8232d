"""Smaller files of a servable: make them, measure them, choose one."""
