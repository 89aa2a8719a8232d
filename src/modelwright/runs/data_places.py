"""Where the data of a run or a servable may lie now, after a move.

A path in a config is relative to the folder in which the training was started. A run also records
each path relative to its own folder, so a run that was moved together with its data finds it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.named.definitions import SET_NAMES

_KEYS = ("source", "unlabelled", "image_root", "drop")
Relocate = Callable[[str], Path | None]


def record_places(config: DataConfig, run: Path) -> dict[str, str]:
    """Returns each path of the data settings with the same path relative to a run's folder."""
    found = {}
    for path in _paths(config):
        try:
            found[path] = Path(os.path.relpath(Path(path).expanduser(), run)).as_posix()
        except ValueError:  # another drive of Windows
            continue
    return found


def data_places(
    config: DataConfig, recorded: Mapping[str, Any], owner: Path, root: Path | None
) -> list[DataConfig]:
    """Returns the settings with each place where all of the data exists, the likeliest first.

    Args:
        config: the data settings of the training.
        recorded: the record of the data, with its ``places`` where the training wrote them.
        owner: the folder of the run or servable.
        root: where the data is now, as the user says; None to look for it.

    Raises:
        ConfigError: there is no such data in ``root``.
        DataError: the data is in none of the places.
    """
    if root is not None:
        moved = _moved(config, lambda path: _below(root, path, config))
        if moved is None:
            raise ConfigError(
                f"--data-root was given {root}, where there is no {', '.join(_paths(config))};"
                " expected the data itself, or the folder that holds it."
            )
        return [moved]
    found = []
    for way in _ways(recorded.get("places", {}), owner):
        place = _moved(config, way)
        if place is not None and place not in found:
            found.append(place)
    if not found:
        raise DataError(
            f"the data of {owner} is not here: there is no {', '.join(_missing(config))}. A path is"
            f" relative to the folder in which the training was started; this is {Path.cwd()}. Go"
            " there, or name the place of the data with --data-root."
        )
    return found


def _paths(config: DataConfig) -> list[str]:
    values = (getattr(config, key) for key in _KEYS)
    flat = [path for value in values for path in ([value] if isinstance(value, str) else value)]
    return [path for path in flat if path.strip() and path not in SET_NAMES]


def _missing(config: DataConfig) -> list[str]:
    return [path for path in _paths(config) if not Path(path).expanduser().exists()]


def _ways(places: Mapping[str, str], owner: Path) -> Iterator[Relocate]:
    here = owner.resolve()
    yield lambda path: Path(path).expanduser()
    if places and (here / "run.json").exists():  # the places are those seen from the run
        yield lambda path: Path(os.path.normpath(here / places[path])) if path in places else None
    for folder in here.parents:
        yield lambda path, folder=folder: (  # type: ignore[misc]
            None if Path(path).is_absolute() else folder / path
        )


def _below(root: Path, path: str, config: DataConfig) -> Path | None:
    """Returns the path under ``root`` that ends like ``path``, or ``root`` itself."""
    parts = Path(path).parts
    ends = (root.joinpath(*parts[start:]) for start in range(len(parts)) if parts[start] != "/")
    found = next((end for end in ends if end.exists()), None)
    alone = config.source in (path, [path])
    return found or (root if alone and root.exists() else None)


def _moved(config: DataConfig, relocate: Relocate) -> DataConfig | None:
    """Returns the settings with other paths; None if one of them does not exist."""
    changes: dict[str, Any] = {}
    for key in _KEYS:
        value = getattr(config, key)
        new = []
        for path in [value] if isinstance(value, str) else value:
            place: Path | str | None = path
            if path.strip() and path not in SET_NAMES:
                place = relocate(path)
                if key == "drop" and not (place and Path(place).exists()):
                    place = Path(path).expanduser()  # a list of rows may stay where it was
                if place is None or not Path(place).exists():
                    return None
            new.append(str(place))
        changes[key] = new[0] if isinstance(value, str) else new
    return config.model_copy(update=changes)
