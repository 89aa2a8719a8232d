"""Cuts runs of Chinese characters into words, with the package that is installed for it."""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable
from typing import Any

from modelwright.core.errors import ConfigError, MissingDependencyError

PACKAGES = ("rjieba", "jieba")
"""Packages with a function ``cut``, in the order in which they are preferred."""
CHARACTERS = "characters"
"""The name of what cuts at each character, for where no package is installed."""
CUTTERS = ("auto", *PACKAGES, CHARACTERS)

CutWords = Callable[[str], list[str]]


@functools.cache
def find_word_cutter(name: str = "auto") -> tuple[str, CutWords]:
    """Returns the name of a word cutter, and a function that cuts a text into its words.

    Args:
        name: one of ``CUTTERS``; ``auto`` takes the first that is installed.

    Raises:
        ConfigError: there is no such cutter.
        MissingDependencyError: its package is not installed.
    """
    if name not in CUTTERS:
        raise ConfigError(f"there is no word cutter '{name}'; expected {', '.join(CUTTERS)}.")
    wanted = PACKAGES if name == "auto" else (name,)
    for package in wanted:
        if package == CHARACTERS:
            break
        try:
            module: Any = importlib.import_module(package)
        except ImportError:
            if name != "auto":
                raise MissingDependencyError(
                    f"the word cutter '{package}' is not installed; install it with: pip install"
                    f" {package}, or leave it out."
                ) from None
            continue
        if hasattr(module, "setLogLevel"):  # jieba reports on standard error how it loads
            module.setLogLevel(logging.WARNING)
        return package, _cutter(module)
    return CHARACTERS, list


def _cutter(module: Any) -> CutWords:
    return lambda text: list(module.cut(text))
