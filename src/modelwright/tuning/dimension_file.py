"""Reads one entry of ``[space]``: a list, or a table with ``choices`` or ``from`` and ``to``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.tuning.dimension import Dimension, value_text

_RANGE = ("from", "to", "step", "scale", "when")
_CHOICES = ("choices", "when")
_EXAMPLE = (
    '[16, 32], { choices = [16, 32] }, or { from = 0.1, to = 0.5 } with step or scale = "log"'
)


def read_dimension(key: str, entry: object) -> tuple[Dimension, Mapping[str, Any]]:
    """Returns a dimension without its conditions, and the table ``when`` of its entry.

    Raises:
        ConfigError: names the key, what was given and what is expected.
    """
    if isinstance(entry, list):
        return _read_choices(key, entry), {}
    if not isinstance(entry, Mapping):
        raise ConfigError(
            f"'space.{key}' was given {entry!r}; expected {_EXAMPLE}. A setting that all trials"
            " share does not belong in the space."
        )
    known = _CHOICES if "choices" in entry else _RANGE
    for name in entry:
        if name not in known:
            both = list(dict.fromkeys([*known, *_CHOICES]))
            hint = " It does not go with choices." if name in _RANGE else nearest(name, both)
            raise ConfigError(
                f"unknown key 'space.{key}.{name}'.{hint} Known here: {', '.join(known)}."
            )
    when = entry.get("when", {})
    if not isinstance(when, Mapping):
        raise ConfigError(
            f"'space.{key}.when' was given {when!r}; expected another dimension with its value, as"
            ' in when = { "model.cell" = "gru" }.'
        )
    if "choices" in entry:
        return _read_choices(key, entry["choices"]), when
    return _read_range(key, entry), when


def _read_choices(key: str, choices: object) -> Dimension:
    if not isinstance(choices, list) or not all(map(_is_plain, choices)):
        raise ConfigError(
            f"'space.{key}' was given {choices!r}; expected a list of numbers, texts, true or"
            " false, or lists of them."
        )
    if len(choices) < 2:
        raise ConfigError(
            f"'space.{key}' was given {choices!r}, in which nothing varies; expected at least two"
            " values. A setting that all trials share does not belong in the space."
        )
    texts = [value_text(choice) for choice in choices]
    for text in texts:
        if texts.count(text) > 1:
            raise ConfigError(f"'space.{key}' lists {text} twice; expected each value once.")
    return Dimension(key, "choice", choices=tuple(choices))


def _read_range(key: str, entry: Mapping[str, Any]) -> Dimension:
    for name in ("from", "to"):
        if name not in entry:
            raise ConfigError(f"'space.{key}.{name}' is missing; expected {_EXAMPLE}.")
    low, high = (_number(key, name, entry[name]) for name in ("from", "to"))
    step = _number(key, "step", entry["step"]) if "step" in entry else None
    log = _reads_log(key, entry.get("scale", "linear"))
    if low > high:
        raise ConfigError(f"'space.{key}' goes from {low} to {high}; expected 'to' above 'from'.")
    if low == high:
        raise ConfigError(
            f"'space.{key}' goes from {low} to {high}, in which nothing varies; expected 'to' above"
            " 'from'. A setting that all trials share does not belong in the space."
        )
    if log and low <= 0:
        raise ConfigError(
            f"'space.{key}' has a logarithmic scale from {low}; expected 'from' above 0, because"
            ' such a scale never reaches 0. Raise it, or use scale = "linear".'
        )
    if log and step is not None:
        raise ConfigError(
            f"'space.{key}' has a logarithmic scale and a step of {step}; expected one of them."
            " Leave the step out, or list the values as choices."
        )
    integers = all(isinstance(one, int) for one in (low, high, step) if one is not None)
    if step is not None:
        _check_step(key, low, high, step)
    if integers:
        return Dimension(key, "int", low, high, step if step or log else 1, log)
    return Dimension(key, "float", float(low), float(high), float(step) if step else None, log)


def _check_step(key: str, low: float, high: float, step: float) -> None:
    if step <= 0:
        raise ConfigError(f"'space.{key}.step' was given {step}; expected a number above 0.")
    first, last, each = (Decimal(str(one)) for one in (low, high, step))
    if (last - first) % each:
        before = first + (last - first) // each * each
        reached = f"to = {before}" if before > first else f"step = {last - first}"
        raise ConfigError(
            f"'space.{key}' goes from {low} to {high} in steps of {step}, which do not end at"
            f" {high}; write {reached} or to = {before + each}, or another step."
        )


def _reads_log(key: str, scale: object) -> bool:
    if scale not in ("linear", "log"):
        hint = nearest(scale, ("linear", "log")) if isinstance(scale, str) else ""
        raise ConfigError(
            f"'space.{key}.scale' was given {scale!r}; expected 'linear' or 'log'.{hint}"
        )
    return scale == "log"


def _number(key: str, name: str, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(
            f"'space.{key}.{name}' was given {value!r}; expected a number. Texts and lists are"
            " choices: a list of them."
        )
    return value


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)
