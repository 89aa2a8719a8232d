"""Reads the file of a stream study and checks all of it before any training.

    [data]
    source = "reviews.csv"
    [model]
    recipe = "text-fast"

    [stream]
    domains = "category"
    orders = 5
    seeds = [0, 1, 2]
    strategies = ["naive", "replay", "joint"]
    keep = 0.05

This module trains nothing and loads no framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from modelwright.core.config import Positive, Table, check_table
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.types import Progress
from modelwright.learning.registry import strategy_names
from modelwright.recipes.resolve import (
    check_table_names,
    merge_tables,
    read_toml,
    resolve_or_choose,
)
from modelwright.recipes.source_paths import resolve_source_paths
from modelwright.streams.plan import Domains, StreamPlan

Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
Share = Annotated[float, Field(gt=0, lt=1, strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]
Drawn = Annotated[int, Field(ge=1, le=1000, strict=True)]
Names = Annotated[list[str], Field(min_length=1)]
_TABLE = "stream"


class StrengthTable(Table):
    """``[stream.strength]``: how strongly the strategies hold on; see ``learning.lesson``."""

    distillation: Annotated[float, Field(ge=0)] = 1.0
    temperature: Annotated[float, Field(gt=0)] = 2.0
    alpha: Annotated[float, Field(ge=0)] = 0.5
    beta: Annotated[float, Field(ge=0)] = 1.0
    penalty: Annotated[float, Field(ge=0)] = 100.0
    shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.01


class DomainTable(Table):
    """``[[stream.domain]]``: one domain with a source of its own."""

    name: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]


class StreamTable(Table):
    """``[stream]``: what is learned one after the other, and in which ways."""

    domains: Annotated[str, Field(min_length=1)] | None = None
    """Column of the table whose values are the domains."""
    classes: Annotated[int, Field(ge=2)] | None = None
    """Number of classes that each step brings, in place of domains."""
    domain: list[dict[str, Any]] = Field(default_factory=list)
    """Domains with a source each, ``name`` and ``source``, in place of a column."""
    orders: Drawn | Annotated[list[Names], Field(min_length=1)] = 5
    """Number of orders that are drawn, or lists of the names in their order."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(default=[0, 1, 2])
    """Random seeds; every order is learned with each of them."""
    strategies: list[str] = Field(default_factory=list)
    """Names of the strategies; all by default."""
    keep: Share | Count = 0.05
    """Share of the rows seen that may be kept, below 1, or a number of rows."""
    limit: Positive | None = None
    """Largest number of rows of a domain, or of a class, in each split."""
    grow_tokens: bool = False
    """Whether tokens that the vocabulary lacks get an id as new domains bring them."""
    epochs: Positive | None = None
    """Epochs of each lesson after the first."""
    rate: Annotated[float, Field(gt=0, le=10)] | None = None
    """Learning rate of each lesson after the first."""
    strength: dict[str, Any] = Field(default_factory=dict)


def read_stream_plan(
    study: Path | str | Mapping[str, Any], progress: Progress | None = None
) -> StreamPlan:
    """Reads a stream study from its file or from a mapping, and checks all of it.

    Without a recipe, one is chosen for the data.

    Raises:
        ConfigError: names the key, what was given and what is expected.
        DataError: no recipe is given, and the data cannot be read.
    """
    file = None if isinstance(study, Mapping) else Path(study)
    content = dict(study) if isinstance(study, Mapping) else read_toml(Path(study), "stream")
    own = content.pop(_TABLE, None)
    if not isinstance(own, Mapping):
        raise ConfigError(
            f"'{_TABLE}' was given {own!r}; expected a table [{_TABLE}] with 'domains', the column"
            " whose values are the domains, or 'classes', the number of new classes of each step."
        )
    _check_names(content)
    table = check_table(StreamTable, own, _TABLE)
    domains = _domains(table, content, file)
    strategies = _strategies(table)
    _check_orders(table)
    if domains.sources:
        sources = list(domains.sources.values())
        content = merge_tables(content, {"data": {"source": sources}})
    elif file is not None and "data" in content:
        content = resolve_source_paths(file, content)
    if file is not None:
        content = {"name": file.stem, **content}
    resolved = resolve_or_choose(None, content, (), progress)
    strength = check_table(StrengthTable, table.strength, f"{_TABLE}.strength")
    return StreamPlan(
        config=resolved.config,
        domains=domains,
        orders=table.orders if isinstance(table.orders, int) else tuple(map(tuple, table.orders)),
        seeds=tuple(table.seeds),
        strategies=strategies,
        keep=table.keep,
        limit=table.limit,
        grow_tokens=table.grow_tokens,
        epochs=table.epochs,
        rate=table.rate,
        strength=strength.model_dump(),
        notes=resolved.notes,
    )


def _check_names(content: Mapping[str, Any]) -> None:
    if "cluster" in content:
        raise ConfigError("the table 'cluster' was given; a stream is learned by one process.")
    check_table_names(content, _TABLE)
    if "seed" in content.get("train", {}):
        raise ConfigError(f"'train.seed' was given; expected '{_TABLE}.seeds' in its place.")
    if content.get("data", {}).get("limit") is not None:
        raise ConfigError(
            f"'data.limit' was given; expected '{_TABLE}.limit', the rows of each domain."
        )


def _domains(table: StreamTable, content: Mapping[str, Any], file: Path | None) -> Domains:
    given = [key for key in ("domains", "classes", "domain") if getattr(table, key)]
    if len(given) != 1:
        raise ConfigError(
            f"'{_TABLE}' has {' and '.join(given) or 'no domains'}; expected one of 'domains', the"
            " column whose values are the domains; 'classes', the number of new classes of each"
            " step; or [[stream.domain]] with a name and a source for each."
        )
    if not table.domain:
        return Domains(table.domains, table.classes)
    if content.get("data", {}).get("source"):
        raise ConfigError(
            "'data.source' was given together with [[stream.domain]]; the domains have sources of"
            " their own, so leave data.source out."
        )
    rows = [
        check_table(DomainTable, entry, f"{_TABLE}.domain.{number}")
        for number, entry in enumerate(table.domain, 1)
    ]
    names = [row.name for row in rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"two domains are named '{twice[0]}'; expected different names.")
    if len(rows) < 2:
        raise ConfigError(f"there is one domain, '{names[0]}'; expected at least two.")
    found: dict[str, str] = {}
    for row in rows:
        tables = {"data": {"source": row.source}}
        source = (resolve_source_paths(file, tables) if file else tables)["data"]["source"]
        if same := [name for name, known in found.items() if known == source]:
            raise ConfigError(
                f"the domains '{same[0]}' and '{row.name}' have one source, {source}; expected a"
                " source of its own for each."
            )
        found[row.name] = source
    return Domains(sources=found)


def _strategies(table: StreamTable) -> tuple[str, ...]:
    known = strategy_names()
    for name in table.strategies:
        if name not in known:
            raise ConfigError(
                f"there is no strategy '{name}'.{nearest(name, known)} Expected names among"
                f" {', '.join(known)}."
            )
    _check_once(table.strategies, "strategies")
    _check_once(table.seeds, "seeds")
    return tuple(table.strategies or known)


def _check_orders(table: StreamTable) -> None:
    if not isinstance(table.orders, int):
        _check_once(table.orders, "orders")
        for order in table.orders:
            _check_once(order, "orders")


def _check_once(values: list[Any], key: str) -> None:
    if twice := [value for value in values if values.count(value) > 1]:
        raise ConfigError(f"'{_TABLE}.{key}' has {twice[0]!r} twice; expected each once.")
