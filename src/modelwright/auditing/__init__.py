"""Finds rows whose labels are probably wrong, duplicates, outliers and classes that overlap."""
