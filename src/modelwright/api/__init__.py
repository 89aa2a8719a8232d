"""What Python users call where the layers below want a resolved config."""
