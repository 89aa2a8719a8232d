"""Explanations of answers, in a child process of low priority that no prediction waits for."""
