"""``modelwright.train``: turns settings into one checked config and trains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError
from modelwright.core.types import Progress
from modelwright.recipes.resolve import (
    ResolvedConfig,
    check_table_names,
    is_config_file,
    merge_tables,
    resolve_or_choose,
)
from modelwright.training.cluster_settings import joined_cluster
from modelwright.training.train import train as train_config
from modelwright.training.train_report import TrainReport

Settings = ResolvedConfig | Config | Mapping[str, Any] | Path | str | None


def train(
    config: Settings = None,
    *,
    data: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Trains a model and leaves a run folder.

        >>> train("reviews.csv")
        >>> train("sentiment.toml", train={"epochs": 3})
        >>> train({"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}})
        >>> train(data={"source": "imdb"}, model={"recipe": "bilstm"})

    Without a recipe, one is chosen that fits the data; the report says why.

    Args:
        config: the data: a path or the name of a set; or the path of a TOML file with the tables
            ``[data]``, ``[model]``, ``[train]`` and ``[cluster]``; a mapping with the same tables;
            or a resolved config, which takes no further settings.
        data: keys of ``[data]``, which override those in ``config``: ``source``, ``text``, …
        model: keys of ``[model]``: ``recipe`` and its options.
        train: keys of ``[train]``: ``epochs``, ``batch_size``, ``seed``, …
        sets: ``table.key=value`` texts, which override all of the above.
        out: the run's folder; ``runs/NAME-TIME`` by default.
        progress: called with each step.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the data cannot be used.
        RunError: the run's folder exists, or the loss is no longer a number.
    """
    keywords = {"data": data, "model": model, "train": train, "sets": sets}
    resolved = resolve_notes(config, keywords, progress)
    cluster, notes = joined_cluster(resolved.cluster)
    return train_config(
        resolved.config,
        out=out,
        notes=(*resolved.notes, *notes),
        cluster=cluster,
        progress=progress,
    )


def resolve_settings(config: Settings, keywords: Mapping[str, Any]) -> Config:
    """Returns the checked config that the arguments of ``train`` describe.

    Args:
        config: data, a file, a mapping, a resolved config, or nothing.
        keywords: ``data``, ``model``, ``train`` and ``sets``; empty ones are ignored.

    Raises:
        ConfigError: a setting cannot be used, or a resolved config comes with other settings.
    """
    return resolve_notes(config, keywords).config


def resolve_notes(
    config: Settings, keywords: Mapping[str, Any], progress: Progress | None = None
) -> ResolvedConfig:
    """Returns the config of ``resolve_settings`` with the notes about what was chosen for it."""
    options = {name: value for name, value in keywords.items() if value}
    if isinstance(config, Config | ResolvedConfig):
        if options:
            raise ConfigError(
                f"train was given a resolved Config together with {', '.join(options)}; expected"
                " the Config alone. Change the Config itself, or pass a file or a mapping, which"
                " keywords can override."
            )
        return config if isinstance(config, ResolvedConfig) else ResolvedConfig(config)
    sets = options.pop("sets", ())
    check_table_names(options)
    if isinstance(config, Mapping):
        check_table_names(config)
        return resolve_or_choose(None, merge_tables(config, options), sets, progress)
    if config is None:
        return resolve_or_choose(None, options, sets, progress)
    if isinstance(config, Path | str):
        if is_config_file(config):
            return resolve_or_choose(Path(config), options, sets, progress)
        if options.get("data", {}).get("source"):
            raise ConfigError(
                f"train was given the data {str(config)!r} and data.source"
                f" {options['data']['source']!r}; give one of them."
            )
        tables = merge_tables(options, {"data": {"source": str(config)}})
        return resolve_or_choose(None, tables, sets, progress)
    raise ConfigError(
        f"train was given {config!r} as its config; expected data, the path of a TOML file, a"
        " mapping with the tables data, model and train, or a Config."
    )
