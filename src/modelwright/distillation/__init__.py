"""Distillation: any scorer of texts labels unlabeled rows, and a small network learns from them."""
