"""The config of a distillation: the student's, with the data and the unlabeled texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, DataConfig
from modelwright.core.errors import ConfigError
from modelwright.core.folders import SERVABLE_RECORD, is_run, kind_of
from modelwright.core.types import Progress
from modelwright.models.builders import check_options
from modelwright.recipes.resolve import ResolvedConfig, merge_tables, parse_set, resolve_or_choose
from modelwright.runs.data_places import data_places
from modelwright.runs.run import load_run
from modelwright.servable.manifest import find_version, read_manifest


def resolve_distillation(
    teacher: object,
    file: Path | None,
    tables: Mapping[str, Any],
    unlabeled: Sequence[str] = (),
    sets: Sequence[str] = (),
    progress: Progress | None = None,
) -> ResolvedConfig:
    """Returns the student's config, with unlabeled texts in ``data.unlabelled``.

    Without data, the data of the teacher is taken, if the teacher is a run or a servable.

    Args:
        teacher: the teacher, as ``distill`` takes it.
        file: a TOML file with settings, or None.
        tables: the tables ``data``, ``model`` and ``train``.
        unlabeled: paths or named sets of texts without labels.
        sets: texts ``table.key=value``.
        progress: called with each step.

    Raises:
        ConfigError: a setting cannot be used, or data is missing.
        DataError: the data cannot be read.
    """
    given = merge_tables(tables, *map(parse_set, sets))
    if unlabeled:
        given = merge_tables(given, {"data": {"unlabelled": list(unlabeled)}})
    notes: tuple[str, ...] = ()
    if file is None and not given.get("data", {}).get("source"):
        config = _data_of(teacher)
        known = config.model_dump(exclude_unset=True, exclude_none=True)
        given = merge_tables({"data": known}, given)
        source = config.source if isinstance(config.source, str) else ", ".join(config.source)
        notes = (f"the data is that of the teacher, {source}; --data names other data",)
    elif side := _side_of(teacher):
        given = merge_tables({"data": {"image_size": side}}, given)
    resolved = resolve_or_choose(file, given, (), progress)
    if resolved.cluster:
        raise ConfigError(
            "the table 'cluster' was given, but a distillation trains in one process; leave it out."
        )
    check_distillable(resolved.config)
    return replace(resolved, notes=(*notes, *resolved.notes))


def check_distillable(config: Config) -> None:
    """Checks the settings that soft labels need.

    Raises:
        ConfigError: the settings have no meaning for soft labels, or leave them without effect.
    """
    options = check_options(config.model)
    solved = getattr(options, "solved", False) and not getattr(options, "steps_follow", False)
    if solved and not config.data.unlabelled:
        texts = hasattr(options, "fit")
        more = "unlabeled texts with --unlabeled (unlabeled= in Python), or " if texts else ""
        names = "bilstm or textcnn" if texts else "cnn"
        raise ConfigError(
            f"no unlabeled texts given, and the recipe '{config.recipe}' is solved: from labeled"
            f" rows it takes their labels alone, so a teacher adds nothing. Give {more}a recipe"
            f" that is trained by steps, such as {names}, with --recipe."
        )
    if config.train.class_weight != "none":
        raise ConfigError(
            f"'train.class_weight' was given '{config.train.class_weight}', but soft labels belong"
            " to several classes; expected 'none'. Leave it out."
        )


def _side_of(teacher: object) -> int:
    """Returns the side of the square images that a run or a servable takes; 0 for others."""
    path = Path(teacher) if isinstance(teacher, str | Path) else None
    shape: tuple[int, ...] | None = None
    if path is not None and path.is_dir() and is_run(path):
        shape = load_run(path).shape
    elif path is not None and kind_of(path) in ("model", "version"):
        folder = find_version(path)
        if (folder / SERVABLE_RECORD).is_file():
            shape = read_manifest(folder).shape
    return shape[0] if shape and shape[0] == shape[1] else 0


def _data_of(teacher: object) -> DataConfig:
    """Returns the data settings of a run or a servable, with paths that exist."""
    path = Path(teacher) if isinstance(teacher, str | Path) else None
    if path is not None and path.is_dir() and is_run(path):
        run = load_run(path)
        return data_places(run.config.data, run.data, path, None)[0]
    if path is not None and kind_of(path) in ("model", "version"):
        folder = find_version(path)
        if (folder / SERVABLE_RECORD).is_file():
            manifest = read_manifest(folder)
            try:
                config = Config.model_validate(manifest.config)
            except ValueError:
                config = None
            if config:
                return data_places(config.data, manifest.data, folder, None)[0]
    raise ConfigError(
        "no data given; expected the labeled rows as a path or a named set, with --data. Only a"
        " run or a servable as teacher records data of its own."
    )
