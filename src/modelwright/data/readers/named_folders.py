"""The folders that the settings name: those of splits, and those to leave out. No file is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import SplitName

Parts = tuple[str, ...]
"""A path below the root, folder by folder."""


@dataclass(frozen=True)
class NamedFolders:
    """The folders that the settings name, each as the folders on its way from the root."""

    splits: Mapping[Parts, SplitName] = field(default_factory=dict)
    skip: tuple[Parts, ...] = ()

    @classmethod
    def of(cls, config: DataConfig, source: Path) -> NamedFolders:
        """Returns the folders of the keys ``train_folder`` to ``skip`` that lie in one source.

        A path that begins with that of a source is meant in that source only.

        Raises:
            DataError: A folder is given for two splits.
        """
        sources = [config.source] if isinstance(config.source, str) else config.source
        paths = [Path(one).expanduser() for one in sources]
        others = [path for path in paths if path not in (source, Path())]
        named: dict[SplitName, str | list[str]] = {
            "train": config.train_folder,
            "val": config.val_folder,
            "test": config.test_folder,
        }
        splits: dict[Parts, SplitName] = {}
        for split, value in named.items():
            for path in _paths(value, source, others):
                if splits.setdefault(path, split) != split:
                    raise DataError(
                        f"the folder '{'/'.join(path) or '.'}' is given as "
                        f"data.{splits[path]}_folder and as data.{split}_folder; name it once"
                    )
        return cls(splits, _paths(config.skip, source, others))


def _paths(value: str | list[str], source: Path, others: Sequence[Path]) -> tuple[Parts, ...]:
    """Returns paths below a source, without those in other sources."""
    found: list[Parts] = []
    for one in [value] if isinstance(value, str) else value:
        path = Path(one.strip().replace("\\", "/"))
        if not one.strip() or any(path.is_relative_to(other) for other in others):
            continue
        if path != Path() and path.is_relative_to(source):
            path = path.relative_to(source)
        found.append(path.parts)
    return tuple(found)
