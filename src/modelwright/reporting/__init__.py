"""One HTML file with everything that a run, a servable or a study keeps of what was measured."""
