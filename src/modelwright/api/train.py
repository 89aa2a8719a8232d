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
from modelwright.training.extras import Extras
from modelwright.training.source_settings import resolve_start
from modelwright.training.starting_weights import StartFrom
from modelwright.training.train import train as train_config
from modelwright.training.train_report import TrainReport

Settings = ResolvedConfig | Config | Mapping[str, Any] | Path | str | None


def train(  # noqa: PLR0913
    config: Settings = None,
    *,
    data: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    start_from: StartFrom | Path | str | None = None,
    freeze: Sequence[str] | str = (),
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Trains a model and leaves a run folder.

        >>> train("reviews.csv")
        >>> train("sentiment.toml", train={"epochs": 3})
        >>> train({"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}})
        >>> train(data={"source": "imdb"}, model={"recipe": "bilstm"})
        >>> train("hotel.csv", start_from="models/reviews/3", freeze="features")

    Without a recipe, one is chosen that fits the data; the report says why.

    Args:
        config: the data: a path or the name of a set; or the path of a TOML file with the tables
            ``[data]``, ``[model]``, ``[train]`` and ``[cluster]``; a mapping with the same tables;
            or a resolved config, which takes no further settings.
        data: keys of ``[data]``, which override those in ``config``: ``source``, ``text``, …
        model: keys of ``[model]``: ``recipe`` and its options.
        train: keys of ``[train]``: ``epochs``, ``batch_size``, ``seed``, …
        sets: ``table.key=value`` texts, which override all of the above.
        start_from: run or servable whose weights are the first ones. Its recipe, options and
            tokenizer are taken too, unless a recipe is given. A ``StartFrom`` copies some layers.
        freeze: layers that are not trained: ``features`` for all but the last ones, or patterns of
            names such as ``embedding*``.
        out: the run's folder; ``runs/NAME-TIME`` by default.
        progress: called with each step.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the data cannot be used.
        RunError: the run's folder exists, or the loss is no longer a number; or the run to start
            from cannot be used.
        ServableError: the servable to start from cannot be used.
    """
    keywords = {"data": data, "model": model, "train": train, "sets": sets}
    extras = make_extras(start_from, freeze)
    resolved = resolve_notes(config, keywords, progress, extras)
    cluster, notes = joined_cluster(resolved.cluster)
    return train_config(
        resolved.config,
        out=out,
        extras=extras,
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


def make_extras(
    start_from: StartFrom | Path | str | None = None, freeze: Sequence[str] | str = ()
) -> Extras | None:
    """Returns the extras of a training that starts from a model or freezes layers; None if not."""
    if start_from is not None and not isinstance(start_from, StartFrom):
        start_from = StartFrom(Path(start_from), new_classes=True)
    patterns = (freeze,) if isinstance(freeze, str) else tuple(freeze)
    return Extras(start_from, patterns) if start_from or patterns else None


def resolve_notes(
    config: Settings,
    keywords: Mapping[str, Any],
    progress: Progress | None = None,
    extras: Extras | None = None,
) -> ResolvedConfig:
    """Returns the config of ``resolve_settings`` with the notes about what was chosen for it.

    Args:
        config: as for ``resolve_settings``.
        keywords: as for ``resolve_settings``.
        progress: called while the data is read.
        extras: the model to start from, whose settings are taken.
    """
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
    file: Path | None = None
    if isinstance(config, Mapping):
        check_table_names(config)
        options = merge_tables(config, options)
    elif isinstance(config, Path | str) and is_config_file(config):
        file = Path(config)
    elif isinstance(config, Path | str):
        if options.get("data", {}).get("source"):
            raise ConfigError(
                f"train was given the data {str(config)!r} and data.source"
                f" {options['data']['source']!r}; give one of them."
            )
        options = merge_tables(options, {"data": {"source": str(config)}})
    elif config is not None:
        raise ConfigError(
            f"train was given {config!r} as its config; expected data, the path of a TOML file, a"
            " mapping with the tables data, model and train, or a Config."
        )
    if extras and extras.start_from:
        source, frozen = extras.start_from.source, extras.freeze
        return resolve_start(source, frozen, file, options, sets)
    return resolve_or_choose(file, options, sets, progress)
