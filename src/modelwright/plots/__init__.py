"""Pictures for people, drawn with matplotlib from plain numbers. Chinese labels render."""
