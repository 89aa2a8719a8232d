"""Plots: plain numbers in, a PNG file out. Chinese labels are drawn correctly."""
