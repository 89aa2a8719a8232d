"""The object ``hp`` with which a ``build_model(hp)`` written for Keras Tuner asks for its values.

It has the methods of Keras Tuner's ``HyperParameters`` that such functions call. A value that is
not given is the default. It also records what the function asks for, from which a search finds the
space. Keras Tuner is not needed, and no framework is loaded.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest

Scope = tuple[str, tuple[Any, ...]]
"""A hyperparameter, and the values of it with which a part of the function has an effect."""


@dataclass(frozen=True)
class Hyperparameter:
    """What a function asks for.

    Attributes:
        name: the name, after the name scopes around it.
        kind: what it takes. A Boolean is a choice, and something fixed a choice of one value.
        default: the value without a search.
        low: the smallest number.
        high: the largest number, included.
        step: the distance of numbers; None for any, and with a logarithmic scale.
        log: whether the scale is logarithmic.
        choices: the values of a choice.
        scopes: the conditional scopes around it.
    """

    name: str
    kind: Literal["int", "float", "choice"]
    default: Any
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    scopes: tuple[Scope, ...] = ()

    @property
    def expected(self) -> str:
        """The allowed values, in words."""
        if self.kind == "choice":
            return f"one of {', '.join(map(repr, self.choices))}"
        word = "an integer" if self.kind == "int" else "a number"
        return f"{word} from {self.low} to {self.high}"

    def allows(self, value: Any) -> bool:
        """Returns whether a value is one that the function can be given."""
        if self.kind == "choice":
            return any(type(value) is type(one) and value == one for one in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        whole = self.kind == "float" or value == int(value)
        return whole and self.low <= value <= self.high


class HyperParameters:
    """The values of a trial, as a function written for Keras Tuner asks for them.

    Attributes:
        values: the value of everything that was asked for so far, in this order.
        asked: what was asked for, by name.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = dict(given or {})
        self._names: list[str] = []
        self._scopes: list[Scope] = []
        self.values: dict[str, Any] = {}
        self.asked: dict[str, Hyperparameter] = {}

    def Int(  # noqa: N802
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        **parent: Any,
    ) -> Any:
        """Returns an integer from ``min_value`` to ``max_value``, both included."""
        return self._number("int", name, (min_value, max_value, step), sampling, default, parent)

    def Float(  # noqa: N802
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,
        **parent: Any,
    ) -> Any:
        """Returns a number from ``min_value`` to ``max_value``, both included."""
        return self._number("float", name, (min_value, max_value, step), sampling, default, parent)

    def Choice(  # noqa: N802
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        **parent: Any,
    ) -> Any:
        """Returns one of several numbers or texts."""
        choices = tuple(map(_plain, values))
        first = choices[0] if default is None else _plain(default)
        return self._ask(name, "choice", parent, default=first, choices=choices)

    def Boolean(self, name: str, default: bool = False, **parent: Any) -> Any:  # noqa: N802
        """Returns true or false."""
        return self._ask(name, "choice", parent, default=default, choices=(False, True))

    def Fixed(self, name: str, value: Any, **parent: Any) -> Any:  # noqa: N802
        """Returns the value."""
        return self._ask(name, "choice", parent, default=_plain(value), choices=(_plain(value),))

    @contextlib.contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Marks what is asked for inside as without effect unless a value is one of some."""
        several = isinstance(parent_values, list | tuple | set)
        wanted = tuple(map(_plain, parent_values if several else [parent_values]))
        self._scopes.append((self._full_name(parent_name), wanted))
        try:
            yield
        finally:
            self._scopes.pop()

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Puts a name before the names of what is asked for inside."""
        self._names.append(name)
        try:
            yield
        finally:
            self._names.pop()

    def get(self, name: str) -> Any:
        """Returns a value that was asked for before.

        Raises:
            KeyError: it was not asked for.
        """
        return self.values[self._full_name(name)]

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return self._full_name(name) in self.values

    def _number(
        self,
        kind: Literal["int", "float"],
        name: str,
        bounds: tuple[Any, Any, Any],
        sampling: str | None,
        default: Any,
        parent: Mapping[str, Any],
    ) -> Any:
        plain = int if kind == "int" else float
        low, high, step = (None if one is None else plain(one) for one in bounds)
        if sampling not in (None, "linear", "log"):
            raise ConfigError(
                f"the hyperparameter '{name}' has sampling={sampling!r}; expected 'linear' or"
                " 'log'. Change it in the function."
            )
        if sampling == "log" and step is not None:
            raise ConfigError(
                f"the hyperparameter '{name}' has sampling='log' and step={step}; expected one of"
                " them. Leave the step out, or use hp.Choice."
            )
        found = low if default is None else plain(default)
        settings = {"low": low, "high": high, "step": step, "log": sampling == "log"}
        return self._ask(name, kind, parent, default=found, **settings)

    def _ask(self, name: str, kind: Any, parent: Mapping[str, Any], **settings: Any) -> Any:
        unknown = parent.keys() - {"parent_name", "parent_values"}
        if unknown:
            raise TypeError(
                f"unexpected argument {sorted(unknown)[0]!r} of hyperparameter {name!r}"
            )
        if parent.get("parent_name"):
            with self.conditional_scope(parent["parent_name"], parent["parent_values"]):
                return self._ask(name, kind, {}, **settings)
        entry = Hyperparameter(self._full_name(name), kind, scopes=tuple(self._scopes), **settings)
        self.asked.setdefault(entry.name, entry)
        if not all(self.values.get(key) in wanted for key, wanted in entry.scopes):
            return None  # as Keras Tuner does
        value = self._given.get(entry.name, entry.default)
        if entry.name in self._given and not entry.allows(value):
            raise ConfigError(
                f"the hyperparameter '{entry.name}' was given {value!r}; expected {entry.expected}."
            )
        if kind != "choice":
            value = int(value) if kind == "int" else float(value)
        self.values[entry.name] = value
        return value

    def _full_name(self, name: str) -> str:
        return "/".join([*self._names, name])


def takes_hyperparameters(function: Callable[..., Any]) -> bool:
    """Returns whether a function is one for Keras Tuner: its only required argument is ``hp``."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [
        one.name
        for one in parameters
        if one.default is inspect.Parameter.empty
        and one.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    ]
    return required == ["hp"]


def call_with_hyperparameters(
    function: Callable[[HyperParameters], Any], options: Mapping[str, Any], name: str
) -> Any:
    """Returns what a function returns for the hyperparameters in ``model.options``.

    Those that are not given have the function's defaults.

    Raises:
        ConfigError: a value is not allowed, or the function does not ask for it.
    """
    given = dict(_flatten(options))
    hp = HyperParameters(given)
    model = function(hp)
    for key in given:
        if key not in hp.values:
            raise ConfigError(
                f"'model.options.{key}' has no effect: with these values, model function '{name}'"
                f" asks for no hyperparameter '{key}'.{nearest(key, hp.values)} It asks for"
                f" {', '.join(hp.values) or 'none'}. Leave it out."
            )
    return model


def _flatten(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the values of nested tables; a dotted name was nested by its dots."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(value: Any) -> Any:
    """Returns a number of numpy's as a plain one."""
    return value.item() if hasattr(value, "item") and not isinstance(value, str) else value
