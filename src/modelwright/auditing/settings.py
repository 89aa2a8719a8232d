"""The settings of an audit: a fast recipe for the rows, unless the user names one.

It reads the rows to know their kind and trains nothing, so a mistake is reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.auditing.packages import require_packages
from modelwright.core.config import Config, DataConfig, check_table, setting
from modelwright.core.errors import ConfigError
from modelwright.core.types import Progress, Task
from modelwright.data.dispatch import read_sources
from modelwright.recipes.choose import MOST_PRETRAINED, why_no_backbone
from modelwright.recipes.resolve import (
    flatten_settings,
    merge_tables,
    parse_set,
    resolve_config,
)

FEWEST_FOLDS = 2
_HOW = "--recipe names another (recipe= in Python)"


@dataclass(frozen=True)
class AuditSettings:
    """The checked settings of an audit.

    Attributes:
        config: data, network and training.
        folds: number of folds.
        reason: why the recipe was taken.
        notes: what else was decided.
    """

    config: Config
    folds: int
    reason: str
    notes: tuple[str, ...] = ()


def resolve_audit(
    tables: Mapping[str, Any],
    folds: int,
    sets: Sequence[str] = (),
    progress: Progress | None = None,
) -> AuditSettings:
    """Returns the settings of an audit.

    Args:
        tables: the tables ``data``, ``model`` and ``train``.
        folds: number of folds.
        sets: texts ``table.key=value``.
        progress: called while the weights of a pretrained network are fetched.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the data cannot be read.
        MissingDependencyError: a package of the extra ``audit`` is missing.
    """
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < FEWEST_FOLDS:
        raise ConfigError(
            f"--folds was given {folds}; expected an integer of at least {FEWEST_FOLDS}, such as 5:"
            " each fold is predicted by a model that was trained on the others."
        )
    given = merge_tables(tables, *map(parse_set, sets))
    data = check_table(DataConfig, given.get("data", {}), "data")
    notes: list[str] = []
    if data.unlabelled:
        notes.append("data.unlabelled has no effect on an audit, which judges labeled rows alone")
        given = merge_tables(given, {"data": {"unlabelled": []}})
    if data.drop:
        notes.append("rows listed in data.drop are not audited")
    model = given.get("model", {})
    reason = f"the recipe '{model.get('recipe')}' was given"
    if data.source:
        task, rows = _kind(data, progress)
        require_packages(task)
        if "recipe" not in model:
            name, reason = _choose(task, rows, model, progress)
            given = merge_tables(given, {"model": {"recipe": name}})
    return AuditSettings(resolve_config(None, given), folds, reason, tuple(notes))


def changed(settings: AuditSettings, tables: Sequence[str]) -> list[str]:
    """Returns the settings of some tables that differ from their recipe, as ``--set`` takes them.

    Args:
        settings: the settings of an audit.
        tables: ``data``, ``model`` and ``train``, or some of them.
    """
    config = settings.config
    given = {"data": {"source": config.data.source}, "model": {"recipe": config.recipe}}
    usual = resolve_config(None, given)
    pairs: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "data": (config.data.model_dump(), usual.data.model_dump()),
        "model": (config.model.options, usual.model.options),
        "train": (config.train.model_dump(), usual.train.model_dump()),
    }
    found = []
    for table in tables:
        own, base = pairs[table]
        for key, value in flatten_settings(own):
            if base.get(key) != value and value is not None:
                found.append(f"{table}.{key}={setting(value)}")
    return found


def _kind(data: DataConfig, progress: Progress | None) -> tuple[Task, int]:
    records = read_sources(data, progress)
    return records.task, len(records)


def _choose(
    task: Task, rows: int, model: Mapping[str, Any], progress: Progress | None
) -> tuple[str, str]:
    """Returns the name of a fast recipe, and why it is taken."""
    if task == "text":
        return "text-fast", (
            "text-fast was taken, because the rows are texts and its weights are solved in seconds;"
            f" {_HOW}"
        )
    if rows > MOST_PRETRAINED:
        return "cnn", (
            f"cnn was taken, because features of {rows:,} images would take more than an hour;"
            f" {_HOW}"
        )
    problem = why_no_backbone(model, progress)
    if problem is None:
        return "pretrained", (
            "pretrained was taken, because the rows are images and the features of a pretrained"
            f" network are computed once for all folds; {_HOW}"
        )
    return "cnn", (
        "cnn was taken and trained once for each fold. pretrained would do better, but"
        f" {problem.rstrip('.')}; {_HOW}"
    )
