"""Checks before a run is made that a config fits its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.config import Config, Table
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.types import Dataset, Task
from modelwright.models.builders import build_network, check_options, find_builder
from modelwright.models.custom import function_notes
from modelwright.models.network_size import limited_weights
from modelwright.models.options import CustomOptions, ImageOptions, TextOptions
from modelwright.runs.run import input_shape


def check_data(
    config: Config, data: Dataset, chosen: Mapping[str, Any], *, soft: bool = False
) -> tuple[str, ...]:
    """Checks that a config fits its data, before a run is made.

    Returns notes about what a custom network is given or trained with, other than it says.

    Args:
        config: all settings.
        data: the rows.
        chosen: options of the network that follow from the data.
        soft: whether unlabeled texts get soft labels.

    Raises:
        DataError: the data has no training rows.
        ConfigError: the recipe is for other rows, or its network cannot be built.
    """
    task = find_builder(config.model.builder).task
    if task and task != data.task:
        raise ConfigError(
            f"recipe '{config.recipe}' is for {task}s, but {data.source} holds {data.task}s;"
            " choose another with --recipe."
        )
    if not len(data.splits.get("train", ())):
        raise DataError(f"{data.source} has no training rows; expected a split named train.")
    options = check_options(config.model)
    if without_effect := _keys_without_effect(options, data.task):
        raise ConfigError(
            f"'model.{without_effect[0]}' has no effect: {data.source} holds {data.task}s; leave it"
            " out."
        )
    learns = soft or getattr(options, "learns_from_texts", False)
    if data.unlabelled is not None and not learns:
        raise ConfigError(
            f"data.unlabelled was given, but recipe '{config.recipe}' does not learn from"
            " unlabeled texts; expected text-fast, or a network with model.context above 0. Leave"
            " one of them out."
        )
    # Builds the network once before the run, so that a network that does not fit leaves no run.
    used = {**config.model.options, **chosen}
    with limited_weights():
        network = build_network(
            config.model.model_copy(update={"options": used}),
            input_shape(config, data.shape),
            len(data.labels),
        )
    custom = isinstance(options, CustomOptions)
    return function_notes(network, config.train, options.function) if custom else ()


def _keys_without_effect(options: Table, task: Task) -> list[str]:
    """Returns keys of the other task that differ from their defaults."""
    if not isinstance(options, CustomOptions):
        return []
    other = TextOptions if task == "image" else ImageOptions
    fields = other.model_fields
    return [key for key in fields if getattr(options, key) != fields[key].default]
