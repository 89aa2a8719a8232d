"""Descriptions of engines: what the rest of Modelwright knows of an engine without loading it.

A servable names its engines as ``KIND`` or ``KIND-VARIANT``: ``litert-int8`` is the variant
``int8`` of the kind ``litert``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from modelwright.core.types import Engine
from modelwright.servable.manifest import TOLERANCE, Manifest


class OpenEngine(Protocol):
    """Loads one engine of a servable."""

    def __call__(self, folder: Path, manifest: Manifest, engine: str, /) -> Engine:
        """Loads the files of ``engine`` in a version's folder.

        Raises:
            ImportError: the package of the engine is not installed.
            ServableError: the files cannot be loaded.
        """


class Annotate(Protocol):
    """Adds a description of the model to a converted file."""

    def __call__(self, content: bytes, description: Mapping[str, str], /) -> bytes:
        """Returns the file's content with the description."""


class Convert(Protocol):
    """Converts a network to the file that an engine loads."""

    def __call__(self, network: Any, settings: Mapping[str, Any], samples: Path | None, /) -> bytes:
        """Returns the content of the file.

        Args:
            network: a Keras network in float32.
            settings: settings of this converter; empty for its defaults.
            samples: an ``.npy`` with rows as the network reads them, for converters that measure
                the ranges of values.
        """


@dataclass(frozen=True)
class EngineKind:
    """One engine: its files, its package, and the functions that write and load its files."""

    name: str
    """Lowercase letters, digits and underscores."""
    open: OpenEngine
    files: tuple[str, ...]
    """Patterns of the files that it loads as its network, relative to the version's folder;
    ``{variant}`` stands for the variant."""
    package: str
    """The package that it needs, as Python imports it."""
    requirement: str
    """What ``pip install`` installs that package with."""
    needs_tensorflow: bool = False
    tolerance: float = TOLERANCE
    """The largest difference between a probability of this engine and that of Keras."""
    convert: Convert | None = None
    """Writes its file, the first of ``files``; None where no converter does."""
    annotate: Annotate | None = None
    """Adds a description to its file; None where the format holds none."""
    exported: bool = False
    """Whether each export writes its file."""
    unpadded: bool = False
    """Whether its file is made from a network that takes texts of any length without padding,
    where the network can be built so."""

    def is_installed(self) -> bool:
        """Returns whether its package is installed; imports nothing."""
        return find_spec(self.package) is not None

    def file(self, engine: str) -> str:
        """Returns the path of the file that ``convert`` makes, below the version's folder."""
        return self.files[0].format(variant=variant_of(engine))

    def size(self, folder: Path, engine: str) -> int:
        """Returns the size of its network on disk, in bytes."""
        return sum(path.stat().st_size for path in self._paths(folder, engine))

    def _paths(self, folder: Path, engine: str) -> Iterator[Path]:
        for pattern in self.files:
            yield from folder.glob(pattern.format(variant=variant_of(engine)))


def kind_of(engine: str) -> str:
    """Returns the name of an engine's kind: ``litert`` for ``litert-int8``."""
    return engine.partition("-")[0]


def variant_of(engine: str) -> str:
    """Returns the variant of an engine: ``int8`` for ``litert-int8``, nothing for ``onnx``."""
    return engine.partition("-")[2]
