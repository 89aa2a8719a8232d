"""Quantization: makes smaller files of a servable, measures them, and selects one."""
