"""The settings of a run as flat keys, with defaults for the keys that its config lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from modelwright.core.config import Config, DataConfig, TrainConfig
from modelwright.core.errors import ModelwrightError
from modelwright.models.builders import check_options


def flat_settings(config: Config) -> dict[str, Any]:
    """Returns every setting as ``train.epochs`` and 5, without those that only name things."""
    found = {"recipe": config.recipe, "builder": config.model.builder}
    found |= _prefixed("data", config.data.model_dump())
    found |= _prefixed("model", dict(_options(config)))
    return found | _prefixed("train", config.train.model_dump())


def chosen_settings(config: Config) -> dict[str, Any]:
    """Returns the settings that differ from the defaults, without the source of the data."""
    given = flat_settings(config)
    usual = _prefixed("data", _defaults(DataConfig)) | _prefixed("train", _defaults(TrainConfig))
    with suppress(ModelwrightError):  # a network of another package that is not installed here
        usual |= _prefixed("model", _defaults(type(check_options(config.model))))
    named = ("recipe", "builder", "data.source")
    return {
        key: value
        for key, value in given.items()
        if key not in named and (key not in usual or usual[key] != value)
    }


def _options(config: Config) -> Mapping[str, Any]:
    try:
        options: dict[str, Any] = check_options(config.model).model_dump()
    except ModelwrightError:
        return config.model.options
    return options


def _defaults(table: Any) -> dict[str, Any]:
    return {
        key: field.get_default(call_default_factory=True)
        for key, field in table.model_fields.items()
        if not field.is_required()
    }


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_flat(values, f"{prefix}."))


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
