"""Which releases are installed, read from their metadata without importing them."""

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
    """The version of an installed distribution, None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Python's version and those of the packages that decide what a run gives."""
    found = {name: installed(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
    }


def require_training() -> None:
    """Check, before anything heavy, that the training packages are there.

    Raises:
        MissingDependencyError: names what is missing and how to install it.
    """
    missing = [name for name in ("tensorflow", "keras") if util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"{' and '.join(missing)} not installed, which this needs;"
            " install with: pip install 'modelwright[train]'."
        )
