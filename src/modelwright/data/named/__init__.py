"""Named data sets: their definitions, where their files are found, how each row is checked."""
