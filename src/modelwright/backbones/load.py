"""Loads a backbone: finds the weights, builds the network, fills it.

``files.py`` says where weights are searched and how they are checked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from modelwright.backbones.catalog import Backbone, find_backbone
from modelwright.backbones.files import FoundFile, obtain_file, read_member
from modelwright.backbones.keras_file import fill_from_keras_file
from modelwright.backbones.torch_file import read_torch_file
from modelwright.core.errors import DataError
from modelwright.core.types import Progress
from modelwright.models.backbone_names import check_side
from modelwright.models.efficientnet_lite import fill_features
from modelwright.models.feature_extractors import build_feature_extractor, feature_blocks


@dataclass(frozen=True)
class LoadedBackbone:
    """A pretrained network with its weights.

    Attributes:
        network: Images float32 ``[n, side, side, 3]`` from 0 to 255 in, features ``[n, d]`` out.
        record: Name, sha256, license and source of the weights, as JSON can hold them.
        blocks: Names of the layers with weights, block by block from input to output.
    """

    network: keras.Model
    record: dict[str, Any]
    blocks: list[list[str]]


def load_backbone(
    name: str, *, folder: Path | None = None, side: int, progress: Progress | None = None
) -> LoadedBackbone:
    """Returns a backbone with its weights, which are fetched first if necessary.

    Args:
        name: One of ``BACKBONE_NAMES``.
        folder: Folder or file to search first; None for ``MODELWRIGHT_BACKBONES``.
        side: Height and width of the images.
        progress: Called during downloads.

    Raises:
        ConfigError: The name is unknown, or the backbone takes no images of that side.
        DataError: The weights were found nowhere, are not the published ones, or cannot be read.
    """
    backbone = find_backbone(name)
    check_side(name, side)
    found = obtain_file(backbone, folder=folder, progress=progress)
    network = build_feature_extractor(name, side)
    _fill(network, backbone, found)
    return LoadedBackbone(network, record_of(backbone, found), feature_blocks(network))


def record_of(backbone: Backbone, found: FoundFile) -> dict[str, Any]:
    """Returns what a run and a servable record about the weights. It has no path."""
    return {
        "name": backbone.name,
        "file": backbone.file,
        "sha256": found.sha256,
        "checked": found.checked,
        "source": found.source,
        "published": backbone.origin,
        "license": backbone.license,
        "license_from": backbone.license_from,
    }


def _fill(network: keras.Model, backbone: Backbone, found: FoundFile) -> None:
    if backbone.package is None:
        fill_from_keras_file(network, found.path)
        return
    with _unpacked(backbone, found.path) as path:
        arrays = read_torch_file(path)
    try:
        fill_features(network, arrays)
    except DataError as error:
        raise DataError(f"{found.path} does not fit {backbone.name}: {error}") from error


@contextmanager
def _unpacked(backbone: Backbone, path: Path) -> Iterator[Path]:
    """Yields the file itself, also if it is in the released package."""
    if path.suffix != ".whl":
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
        unpacked = Path(folder) / backbone.file
        unpacked.write_bytes(read_member(backbone, path))
        yield unpacked
