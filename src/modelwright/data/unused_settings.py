"""Says which settings of ``[data]`` have no effect on a kind of source. No file is read here."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.core.config import DataConfig
from modelwright.data.readers.split_column import NO_SPLITS

_COLUMNS = ("text", "image", "label", "split", "split_names")
_WRITING = ("delimiter", "quoting", "header")
_FOLDERS = ("train_folder", "val_folder", "test_folder", "skip")
UNUSED: Mapping[str, tuple[str, ...]] = {
    "text tables": _FOLDERS,
    "JSON": (*_WRITING, *_FOLDERS),
    "Parquet": (*_WRITING, "encoding", *_FOLDERS),
    "folders": (*_COLUMNS, *_WRITING, "image_root"),
    "arrays": (*_COLUMNS, *_WRITING, "encoding", "image_root", *_FOLDERS),
    "texts": ("image_size", "auto_side", "orientation", "image_root"),
    "images": ("max_characters",),
    "named sets": (*_COLUMNS, *_WRITING, "encoding", "image_root", *_FOLDERS),
}
"""The settings that have no effect on each kind of source."""


def unused_settings(config: DataConfig, kind: str) -> list[str]:
    """Returns a note about the settings that are given and have no effect, or no note.

    Those about folders are left out where several sources are read: they may mean another.

    Args:
        config: The settings.
        kind: One of ``UNUSED``.
    """
    several = not isinstance(config.source, str) and len(config.source) > 1
    default = DataConfig()
    given = [
        f"data.{key}"
        for key in UNUSED[kind]
        if getattr(config, key) != getattr(default, key)
        and not (several and key in _FOLDERS)
        and not (key == "split" and config.split == NO_SPLITS)
        and not (key == "label" and not config.label)
    ]
    if not given:
        return []
    verb = "has" if len(given) == 1 else "have"
    return [f"{', '.join(given)} {verb} no effect on {kind}"]
