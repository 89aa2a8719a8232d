"""``modelwright.train``: turns settings into one checked config and trains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError
from modelwright.core.types import Progress
from modelwright.recipes.resolve import check_table_names, merge_tables, resolve_config
from modelwright.training.train import TrainReport
from modelwright.training.train import train as train_config


def train(
    config: Config | Mapping[str, Any] | Path | str | None = None,
    *,
    data: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Trains a model and leaves a run folder.

        >>> train("sentiment.toml", train={"epochs": 3})
        >>> train({"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}})
        >>> train(data={"source": "imdb"}, model={"recipe": "bilstm"})

    Args:
        config: the path of a TOML file with the tables ``[data]``, ``[model]`` and ``[train]``;
            a mapping with the same tables; or a resolved ``Config``, which takes no further
            settings.
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
    return train_config(resolve_settings(config, keywords), out=out, progress=progress)


def resolve_settings(
    config: Config | Mapping[str, Any] | Path | str | None, keywords: Mapping[str, Any]
) -> Config:
    """Returns the checked config that the arguments of ``train`` describe.

    Args:
        config: a file, a mapping, a resolved config, or nothing.
        keywords: ``data``, ``model``, ``train`` and ``sets``; empty ones are ignored.

    Raises:
        ConfigError: a setting cannot be used, or a resolved config comes with other settings.
    """
    options = {name: value for name, value in keywords.items() if value}
    if isinstance(config, Config):
        if options:
            raise ConfigError(
                f"train was given a resolved Config together with {', '.join(options)}; expected"
                " the Config alone. Change the Config itself, or pass a file or a mapping, which"
                " keywords can override."
            )
        return config
    sets = options.pop("sets", ())
    check_table_names(options)
    if isinstance(config, Mapping):
        check_table_names(config)
        return resolve_config(None, merge_tables(config, options), sets)
    if config is None or isinstance(config, Path | str):
        return resolve_config(Path(config) if config is not None else None, options, sets)
    raise ConfigError(
        f"train was given {config!r} as its config; expected the path of a TOML file, a mapping"
        " with the tables data, model and train, or a Config."
    )
