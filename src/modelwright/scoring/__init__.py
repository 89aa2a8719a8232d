"""Scores files: the answers of a servable for every row of a table or image of a folder."""
