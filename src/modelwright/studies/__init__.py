"""Studies: variants trained with several seeds, measured on the same rows and compared."""
