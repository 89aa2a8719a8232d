"""Shares as a sentence shows them."""

from __future__ import annotations


def short_percent(share: float) -> str:
    """Returns ``0.0872`` as ``8.7 %``."""
    return f"{100 * share:.1f} %"
