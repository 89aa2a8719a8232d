"""The installed versions of packages, from their metadata. Imports none of them."""

from __future__ import annotations

import platform
from importlib import metadata, util

from modelwright.core.errors import MissingDependencyError

PACKAGES = (
    "modelwright",
    "tensorflow",
    "keras",
    "jax",
    "onnxruntime",
    "ai-edge-litert",
    "numpy",
    "pyarrow",
    "pillow",
    "matplotlib",
)


def installed(package: str) -> str | None:
    """Returns the version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that affect the results of a run."""
    found = {name: installed(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
    }


def require_training() -> None:
    """Checks that the training packages are installed, before anything heavy is loaded.

    Raises:
        MissingDependencyError: A package is missing. The message says how to install it.
    """
    missing = [name for name in ("tensorflow", "keras") if util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"{' and '.join(missing)} not installed, which this needs;"
            " install with: pip install 'modelwright[train]'."
        )
