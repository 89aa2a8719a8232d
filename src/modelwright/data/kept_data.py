"""Sources that are kept in memory between trainings, as long as their files stay unchanged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelwright.core.config import DataConfig
from modelwright.core.kept import kept_values
from modelwright.core.types import Dataset, Rows
from modelwright.data.rows import ImageArray, ImageFiles, Texts
from modelwright.data.source_state import SourceState, source_state

_SETTLED = 3_000_000_000
"""Nanoseconds. The times of files are coarse, and a file that was changed this shortly before may
change again within the same time."""


@dataclass(frozen=True)
class _KeptData:
    data: Dataset
    images: tuple[Path, ...]
    state: SourceState


def load_once(config: DataConfig, load: Callable[[], Dataset]) -> Dataset:
    """Returns the rows of a source that were loaded before and are unchanged, or loads them.

    Outside of ``kept_between_trainings`` it loads them.

    Args:
        config: the source.
        load: reads it.
    """
    values = kept_values()
    if values is None:
        return load()
    key = ("data", config.model_dump_json(), str(Path.cwd()), os.environ.get("MODELWRIGHT_DATA"))
    found: _KeptData | None = values.find(key)
    if found and source_state(config, found.images) == found.state:
        return found.data
    found = None
    values.drop(key)  # so that its memory is free before it is read again
    started, before = time.time_ns(), source_state(config)
    data = load()
    images = _images_of_tables(config, data)
    state = None if images is None else source_state(config, images)
    settled = state is not None and state.newest < started - _SETTLED
    if state is not None and settled and before is not None and before == source_state(config):
        values.keep(key, _KeptData(data, images or (), state), _size(data))
    return data


def _images_of_tables(config: DataConfig, data: Dataset) -> tuple[Path, ...] | None:
    """Returns the image files that tables name; None if others could come to be read."""
    sources = [config.source] if isinstance(config.source, str) else config.source
    if all(Path(source).expanduser().is_dir() for source in sources):
        return ()  # the files of folders belong to their state
    encoded = getattr(next(iter(data.splits.values())).inputs, "encoded", None) or ()
    images = tuple(image for image in encoded if isinstance(image, Path))
    # A rejected row may name a file that is still to come, and a file in the folder of the table
    # would be read before one in data.image_root.
    return None if images and (data.rejected or config.image_root) else images


def _size(data: Dataset) -> int:
    """Returns the bytes that a source takes in memory, without what is small for each row."""
    splits = list(data.splits.values())
    rows = [splits[0].inputs, *([] if data.unlabelled is None else [data.unlabelled])]
    return sum(map(_size_of_rows, rows)) + sum(split.labels.nbytes * 3 for split in splits)


def _size_of_rows(rows: Rows) -> int:
    """Returns the bytes of all rows of the source that a view belongs to."""
    if isinstance(rows, Texts):
        return int(rows.values.nbytes)
    size = rows.pixels.nbytes if isinstance(rows, ImageArray) else 0
    encoded = rows.encoded if isinstance(rows, ImageArray | ImageFiles) else None
    return size + sum(len(image) for image in encoded or () if isinstance(image, bytes))
