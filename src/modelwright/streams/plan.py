"""The plan of a stream study: its domains, orders, seeds and strategies.

``plan_file`` reads a plan from a TOML file. This module trains nothing and loads no framework.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.config import Config
from modelwright.recipes.resolve import flatten_settings

_IGNORED = (
    "name",
    "train.seed",
    "data.source",
    "data.folder",
    "data.memory_mib",
    "train.tensorboard",
    "train.histograms",
)
"""Settings that change no figure, or that a cell records by itself."""


@dataclass(frozen=True)
class Domains:
    """What the domains of a stream are. Exactly one of the three is given.

    Attributes:
        column: the column of a table whose values are the domains.
        classes: number of classes that each step brings.
        sources: the source of each domain, by its name.
    """

    column: str | None = None
    classes: int | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StreamPlan:
    """A stream study that was read and checked.

    Attributes:
        config: settings of the network and of the first training; its seed is not used.
        domains: what the domains are.
        orders: number of orders that are drawn, or the orders themselves.
        seeds: random seeds; every order is learned with each of them.
        strategies: names of the strategies.
        keep: share of the rows seen that may be kept, below 1, or a number of rows.
        limit: largest number of rows of a domain in each split; None for all. In a stream of
            classes it counts the rows of a class.
        grow_tokens: whether tokens that the vocabulary lacks get an id.
        epochs: epochs of each later lesson; None for the default of an update.
        rate: learning rate of each later lesson; None for the default of an update.
        strength: how strongly the strategies hold on, as keys of ``Strength``.
        notes: decisions that led to the config.
    """

    config: Config
    domains: Domains
    orders: int | tuple[tuple[str, ...], ...]
    seeds: tuple[int, ...]
    strategies: tuple[str, ...]
    keep: float | int
    limit: int | None = None
    grow_tokens: bool = False
    epochs: int | None = None
    rate: float | None = None
    strength: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the study and of its folder."""
        return self.config.name

    def config_for(self, seed: int) -> Config:
        """Returns the config of the first training with a seed."""
        train = self.config.train.model_copy(update={"seed": seed, "tensorboard": False})
        return self.config.model_copy(update={"train": train})

    def settings(self, order: Sequence[str]) -> dict[str, Any]:
        """Returns all that the figures of one order depend on, ``table.key`` to value."""
        tables = dict(flatten_settings(self.config.model_dump(mode="json")))
        own = {
            "domains": self.domains.column,
            "classes": self.domains.classes,
            "sources": list(self.domains.sources),
            "keep": self.keep,
            "limit": self.limit,
            "grow_tokens": self.grow_tokens,
            "epochs": self.epochs,
            "rate": self.rate,
            "strength": dict(self.strength),
            "order": list(order),
        }
        kept = {key: value for key, value in tables.items() if key not in _IGNORED}
        return {**kept, **{f"stream.{key}": value for key, value in own.items()}}
