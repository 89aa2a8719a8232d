"""Finds the search space in a function ``build_model(hp)`` that was written for Keras Tuner.

The function is called with its defaults, then with each value of each hyperparameter that has few,
so that what it asks for with some values only is found with its condition. What ``compile`` sets
from a hyperparameter becomes ``train.optimizer`` or ``train.learning_rate``, because a trial is
trained with the settings in ``[train]``. Nothing is trained. Keras Tuner is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.models.hyperparameters import (
    Hyperparameter,
    HyperParameters,
    takes_hyperparameters,
)
from modelwright.tuning.dimension import value_text
from modelwright.tuning.keras_tuner_call import FunctionCall, call_function

_OPTIONS = "model.options."
_MOST_VALUES = 20
"""Most values of a hyperparameter that are all tried; of others, the ends are."""
_MOST_BUILDS = 200


@dataclass(frozen=True)
class FunctionSpace:
    """The space of a function.

    Attributes:
        table: the table ``[space]``.
        settings: settings that all trials share, as the function's network and its ``compile``
            say; settings of the user come first.
        notes: what was decided for the user.
    """

    table: dict[str, Any]
    settings: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass
class _Found:
    """A hyperparameter, the values of others that it needs, and what each of its values gave."""

    entry: Hyperparameter
    path: Mapping[str, Any]
    conditions: dict[str, tuple[Any, ...]]
    builds: list[tuple[Any, FunctionCall]] = field(default_factory=list)


def function_space(path: str) -> FunctionSpace | None:
    """Returns the space of a function ``module:function``; None if it is not for Keras Tuner.

    Raises:
        ConfigError: the function does not exist, fails with its defaults, or has a space that
            cannot be searched.
    """
    from modelwright.models.custom import load_function

    function = load_function(path)
    if not takes_hyperparameters(function):
        return None
    explorer = _Explorer(function, path)
    explorer.explore()
    return explorer.space()


class _Explorer:
    """Calls the function with different values, and keeps what was seen."""

    def __init__(self, function: Callable[[HyperParameters], Any], path: str) -> None:
        self._function, self._path = function, path
        self._known: dict[str, _Found] = {}
        self._notes: list[str] = []
        self._builds = 0
        self._base = self._build({})

    def explore(self) -> None:
        """Tries the values of all hyperparameters, one by one."""
        for entry in self._base.asked.values():
            self._add(entry, {}, {})
        done: set[str] = set()
        while left := [name for name in self._known if name not in done]:
            done.add(left[0])
            self._try_values(self._known[left[0]])

    def space(self) -> FunctionSpace:
        """Returns what was found, as a table of a search file."""
        keys, tables = self._trained_by_settings(), dict[str, Any]()
        for name, found in self._known.items():
            entry = _range(found.entry) if name not in keys else keys[name][1]
            when = {
                keys[parent][0] if parent in keys else f"{_OPTIONS}{parent}": list(values)
                for parent, values in found.conditions.items()
            }
            if entry is not None:
                key = keys[name][0] if name in keys else f"{_OPTIONS}{name}"
                tables[key] = {**entry, "when": when} if when else entry
        if not tables:
            raise ConfigError(
                f"model function '{self._path}' asks for no hyperparameter that varies; expected"
                " hp.Int, hp.Float, hp.Choice or hp.Boolean with several values. Or train it"
                " without a search."
            )
        settings = {key: one for key, one in self._settings().items() if key not in tables}
        if settings:
            said = ", ".join(f"{key}={value}" for key, value in settings.items())
            self._notes.append(f"'{self._path}' fits {said}, which all trials have")
        return FunctionSpace(tables, settings, tuple(self._notes))

    def _settings(self) -> dict[str, Any]:
        settings = dict(self._base.settings)
        if self._base.rate is not None:
            settings["train.learning_rate"] = self._base.rate
        if self._base.optimizer is not None:
            settings["train.optimizer"] = self._base.optimizer
        return settings

    def _add(
        self,
        entry: Hyperparameter,
        path: Mapping[str, Any],
        conditions: Mapping[str, tuple[Any, ...]],
    ) -> None:
        scoped = dict(conditions)
        for parent, wanted in entry.scopes:
            known = self._known.get(parent)
            if known is None:
                raise ConfigError(
                    f"model function '{self._path}' has a conditional_scope of '{parent}', for"
                    " which it did not ask before; expected the name of a hyperparameter."
                )
            scoped[parent] = wanted
            path = {**known.path, parent: wanted[0], **path}
        self._known[entry.name] = _Found(entry, dict(path), scoped)

    def _try_values(self, found: _Found) -> None:
        name = found.entry.name
        for value in _tried_values(found.entry):
            try:
                found.builds.append((value, self._build({**found.path, name: value})))
            except ConfigError as error:
                self._notes.append(f"with {name}={value!r}, {error}")
        for other in dict.fromkeys(key for _, build in found.builds for key in build.asked):
            present = [value for value, build in found.builds if other in build.asked]
            entry = next(build.asked[other] for _, build in found.builds if other in build.asked)
            partly = len(present) < len(found.builds)
            own = {name: tuple(present)} if partly and _is_listed(found.entry) else {}
            if other not in self._known:
                path = {**found.path, name: present[0]}
                self._add(entry, path, {**found.conditions, **own})
            elif own and other != name:
                self._known[other].conditions.update(own)
            self._check_same(other, found)

    def _check_same(self, name: str, found: _Found) -> None:
        """Checks that a hyperparameter has the same range whatever another one is.

        Raises:
            ConfigError: it has another one.
        """
        known = self._known[name].entry
        for value, build in found.builds:
            if name in build.asked and _space_of(build.asked[name]) != _space_of(known):
                raise ConfigError(
                    f"model function '{self._path}' asks for '{name}' as {known.expected}, but with"
                    f" {found.entry.name}={value!r} as {build.asked[name].expected}; expected the"
                    " same each time. Give one of them another name."
                )

    def _build(self, values: Mapping[str, Any]) -> FunctionCall:
        self._builds += 1
        if self._builds > _MOST_BUILDS:
            raise ConfigError(
                f"model function '{self._path}' has so many hyperparameters that {_MOST_BUILDS}"
                " calls did not show them all; write a search file with a table [space] over"
                f" '{_OPTIONS}NAME'."
            )
        return call_function(self._function, self._path, values)

    def _trained_by_settings(self) -> dict[str, tuple[str, Any]]:
        """Returns the setting and its range of each hyperparameter that ``compile`` reads.

        Raises:
            ConfigError: it cannot be taken over.
        """
        keys: dict[str, tuple[str, Any]] = {}
        for name, found in self._known.items():
            builds = [(value, build) for value, build in found.builds if build.optimizer]
            optimizers = [build.optimizer for _, build in builds]
            rates = [build.rate for _, build in builds]
            if len(set(optimizers)) > 1:
                key, entry = "train.optimizer", {"choices": list(dict.fromkeys(optimizers))}
            elif len(set(rates)) > 1:
                key, entry = "train.learning_rate", self._rate_range(found, builds)
            else:
                continue
            taken = [other for other, (one, _) in keys.items() if one == key]
            if taken or len({build.layers for _, build in builds}) > 1:
                other = f"and '{taken[0]}' both set" if taken else "sets layers and also"
                raise ConfigError(
                    f"in model function '{self._path}', '{name}' {other} '{key}' by compile();"
                    " expected one hyperparameter for it. Change the function."
                )
            keys[name] = (key, entry)
            self._notes.append(
                f"'{name}', which compile() in '{self._path}' reads, is searched as {key}"
            )
        return keys

    def _rate_range(self, found: _Found, builds: list[tuple[Any, FunctionCall]]) -> dict[str, Any]:
        if all(math.isclose(build.rate or 0, value, rel_tol=1e-5) for value, build in builds):
            return _range(found.entry) or {}
        if _is_listed(found.entry) and all(build.rate for _, build in builds):
            return {"choices": [build.rate for _, build in builds]}
        raise ConfigError(
            f"in model function '{self._path}', compile() computes the learning rate from"
            f" '{found.entry.name}' in a way that cannot be searched; expected the rate itself, as"
            " in hp.Float('learning_rate', 1e-4, 1e-2, sampling='log')."
        )


def _tried_values(entry: Hyperparameter) -> list[Any]:
    if entry.kind == "choice":
        return list(entry.choices)
    if _is_listed(entry):
        return list(range(int(entry.low), int(entry.high) + 1, int(entry.step or 1)))
    return [entry.low, entry.high] if entry.low < entry.high else [entry.low]


def _is_listed(entry: Hyperparameter) -> bool:
    """Returns whether all values of a hyperparameter are tried."""
    if entry.kind == "choice":
        return True
    count = (entry.high - entry.low) / (entry.step or 1) + 1
    return entry.kind == "int" and not entry.log and count <= _MOST_VALUES


def _space_of(entry: Hyperparameter) -> Hyperparameter:
    return replace(entry, default=None, scopes=())


def _range(entry: Hyperparameter) -> dict[str, Any] | None:
    """Returns a hyperparameter as an entry of a search file; None if nothing varies."""
    if entry.kind == "choice":
        choices = list({value_text(one): one for one in entry.choices}.values())
        return {"choices": choices} if len(choices) > 1 else None
    high, step = entry.high, entry.step
    if step is not None:
        # Keras Tuner leaves out an end that no step reaches.
        high = entry.low + int((entry.high - entry.low) / step + 1e-9) * step
        high = int(high) if entry.kind == "int" else float(f"{high:.12g}")
    if high <= entry.low:
        return None
    more: dict[str, Any] = {"scale": "log"} if entry.log else {"step": step} if step else {}
    return {"from": entry.low, "to": high, **more}
