"""Loads the packages of the extra ``audit`` when they are first needed."""

from __future__ import annotations

import importlib
from importlib import util
from typing import Any

from modelwright.core.errors import MissingDependencyError

_PACKAGES = {"text": ("cleanlab", "datasketch"), "image": ("cleanlab", "imagehash")}


def load_package(name: str) -> Any:
    """Returns an imported module.

    Raises:
        MissingDependencyError: it is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise _missing([name.partition(".")[0]]) from error


def require_packages(task: str) -> None:
    """Checks that the packages for a task are installed, before anything is trained.

    Raises:
        MissingDependencyError: one is missing. The message says how to install it.
    """
    missing = [name for name in _PACKAGES[task] if util.find_spec(name) is None]
    if missing:
        raise _missing(missing)


def _missing(names: list[str]) -> MissingDependencyError:
    return MissingDependencyError(
        f"{' and '.join(names)} not installed, which an audit needs; install with:"
        " pip install 'modelwright[train,audit]'."
    )
