"""A study's file: what is varied, with which seeds. Read and checked whole before any training.

    name = "cifar10-table"
    seeds = [0, 1, 2]

    [base.data]
    source = "cifar10"
    [base.model]
    recipe = "cnn"

    [[variants]]
    name = "base"
    [[variants]]
    name = "dropout"
    after = "base"
    set = { "model.dropout" = 0.3 }

    [grid]
    "train.batch_size" = [128, 512]

It trains nothing and loads no framework.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from modelwright.core.config import Config, Table, check_table, setting
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.recipes.resolve import (
    check_tables,
    flat,
    from_beside,
    merge,
    nested,
    read_toml,
    resolve,
)
from modelwright.studies.translations import Language

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Languages = dict[Language, str]
Percent = Annotated[float, Field(gt=1, le=100)]
_OWN = {"train.seed": "seeds", "name": "name"}
"""Keys of a config that a study sets by itself, and where."""
NO_MATTER = ("data.folder", "data.memory_mib", "train.tensorboard")
"""Settings with which the network is the same."""
_SLUG = 60


class StudyTable(Table):
    """The top of a study's file."""

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=64)]
    """Names the folder, studies/NAME."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(default=[0, 1, 2])
    """Every variant is trained with each of them."""
    split: Literal["test", "val"] = "test"
    """Which rows the variants are compared on."""
    tta: bool = False
    """Measure with test-time augmentation: the average answer over mirrored and shifted views."""
    title: Languages = Field(default_factory=dict)
    """What it is about."""
    source: Languages = Field(default_factory=dict)
    """Where the claimed figures were published."""
    keep: Literal["runs", "results"] = "runs"
    """results deletes a run's folder once its figures are recorded."""
    base: dict[str, Any] = Field(default_factory=dict)
    """The config that all variants start from."""
    variants: list[dict[str, Any]] = Field(default_factory=list)
    grid: dict[str, Any] = Field(default_factory=dict)
    """Lists of values; each variant is trained with every combination."""


class VariantTable(Table):
    """``[[variants]]``: one row of the comparison."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    after: str | None = None
    """A variant listed before, whose settings are inherited and which this one is tested against;
    when not given, the base's settings and the first variant."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Settings, ``table.key`` to value."""
    claimed: Percent | None = None
    """A published accuracy in percent, to stand beside the measured one."""
    rerun: Percent | None = None
    """What the published code gives when it is run to the letter, in percent."""
    claimed_gap: Annotated[float, Field(ge=-100, le=100)] | None = None
    """A published gap between training and test accuracy, in points."""
    tta: bool | None = None
    """As the study's ``tta``, for this variant. One that differs from another in this alone
    measures the other's trainings and is not trained."""


@dataclass(frozen=True)
class Variant:
    """One row of the comparison, its settings resolved but for the seed.

    ``settings`` is what differs from the base, ``table.key`` to value; ``tables`` is the whole.
    """

    name: str
    reference: str | None
    settings: Mapping[str, Any]
    tables: Mapping[str, Any]
    claimed: float | None = None
    claimed_gap: float | None = None
    rerun: float | None = None
    tta: bool = False
    trained_as: str | None = None
    """The slug of the variant whose trainings it measures; None for its own."""

    @property
    def slug(self) -> str:
        """The name as a part of a file's name."""
        plain = re.sub(r"[^\w.=+-]+", "-", self.name).strip("-.")
        if len(plain) <= _SLUG:
            return plain
        return f"{plain[:_SLUG]}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    def file(self, seed: int) -> str:
        """What its result with that seed is called in the study's folder."""
        return f"{self.slug}-seed-{seed}"

    def run(self, seed: int) -> str:
        """What its run is called there, which it may share with another variant."""
        return f"{self.trained_as or self.slug}-seed-{seed}"

    def measured(self, split: str) -> str:
        """How a run is measured, as a part of a file's name."""
        return f"{split}-tta" if self.tta else split

    def config(self, study: str, seed: int) -> Config:
        """What one training of it is done with.

        Raises:
            ConfigError: a setting cannot be used.
        """
        own = {"name": study, "train": {"seed": seed}}
        return resolve(options=merge(self.tables, own))

    def changed(self) -> dict[str, Any]:
        """The settings other than the recipe's own, ``table.key`` to value, from wherever."""
        source, recipe = self.tables["data"]["source"], self.tables["model"]["recipe"]
        own = resolve(options={"data": {"source": source}, "model": {"recipe": recipe}})
        before, now = (
            {key.replace("model.options.", "model.", 1): value for key, value in flat(dumped)}
            for dumped in (own.model_dump(), self.config(own.name, own.train.seed).model_dump())
        )
        return {
            key: value
            for key, value in now.items()
            if before.get(key) != value and key not in NO_MATTER
        }

    def command(self, seed: int, out: Path) -> str:
        """The command that trains it alone."""
        values = dict(flat(self.tables))
        source, recipe = values.pop("data.source"), values.pop("model.recipe")
        words = ["modelwright", "train"]
        for item in [source] if isinstance(source, str) else source:
            words += ["--data", item]
        words += ["--recipe", recipe, "--seed", str(seed)]
        for key, value in values.items():
            words += ["--set", f"{key}={setting(value)}"]
        return shlex.join([*words, "--out", str(out)])


@dataclass(frozen=True)
class Plan:
    """A study, checked."""

    name: str
    seeds: tuple[int, ...]
    split: Literal["test", "val"]
    tta: bool
    keep: Literal["runs", "results"]
    variants: tuple[Variant, ...]
    title: Mapping[Language, str] = field(default_factory=dict)
    source: Mapping[Language, str] = field(default_factory=dict)
    command: str | None = None
    """The command that runs it, where that is not ``compare`` with its file."""


def read(study: Path | str | Mapping[str, Any]) -> Plan:
    """Read a study's file, or the same as a mapping, and check all of it.

    Raises:
        ConfigError: names the key or the variant, what was given, what is expected.
    """
    file = None if isinstance(study, Mapping) else Path(study)
    given = study if isinstance(study, Mapping) else read_toml(Path(study), "study")
    top = check_table(StudyTable, given, "")
    if len(set(top.seeds)) != len(top.seeds):
        raise ConfigError(f"'seeds' was given {top.seeds}; expected each one once.")
    base = _tables(top.base, "base")
    rows = [_variant(entry, number) for number, entry in enumerate(top.variants, 1)]
    variants = [
        replace(variant, tta=top.tta if row.tta is None else row.tta)
        for variant, row in _expand(base, rows, top.grid, file)
    ]
    plan = Plan(
        name=top.name,
        seeds=tuple(top.seeds),
        split=top.split,
        tta=top.tta,
        keep=top.keep,
        variants=tuple(variants),
        title=dict(top.title),
        source=dict(top.source),
    )
    return replace(plan, variants=_check(plan))


def _variant(entry: Mapping[str, Any], number: int) -> VariantTable:
    name = entry.get("name")
    return check_table(VariantTable, entry, f"variants.{name if name else number}")


def _expand(
    base: Mapping[str, Any], rows: list[VariantTable], grid: Mapping[str, Any], file: Path | None
) -> Iterator[tuple[Variant, VariantTable]]:
    """Every variant at every point of the grid, each after the one it is tested against."""
    known: dict[str, dict[str, Any]] = {}
    points = _points(grid)
    # Without variants the points of the grid are compared, and need no name before their own.
    names = [row.name for row in rows]
    rows = rows or [VariantTable(name="base")]
    first = _join(names[:1], points[0]) or "base"
    for row in rows:
        known[row.name] = settings = _inherit(row, known)
        for point in points:
            name = _join([row.name] if names else [], point) or "base"
            against = _join([row.after or names[0]], point) if names else first
            whole = {**settings, **point}
            tables = merge(base, *(nested(key, value) for key, value in whole.items()))
            variant = Variant(
                name=name,
                # The first variant is tested across the grid, against its own first point.
                reference=None if name == first else first if against == name else against,
                settings=whole,
                tables=from_beside(file, tables) if file else tables,
                claimed=None if row.claimed is None else row.claimed / 100,
                claimed_gap=None if row.claimed_gap is None else row.claimed_gap / 100,
                rerun=None if row.rerun is None else row.rerun / 100,
            )
            yield variant, row


def _inherit(row: VariantTable, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The variant's settings over those of the one it comes after, ``table.key`` to value."""
    if row.name in known:
        raise ConfigError(f"two variants are named '{row.name}'; expected another name.")
    if row.after is not None and row.after not in known:
        raise ConfigError(
            f"variant '{row.name}' comes after '{row.after}', which is not listed before it."
            f"{nearest(row.after, known)} Listed before it: {', '.join(known) or 'none'}."
        )
    own = dict(flat(_tables(row.set, f"variants.{row.name}.set")))
    return {**(known[row.after] if row.after else {}), **own}


def _points(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The combinations of the grid's values; one without any where there is no grid."""
    lists = dict(flat(_tables(grid, "grid")))
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(
                f"'grid.{key}' was given {values!r}; expected a list of values, at least one."
            )
        if len({repr(value) for value in values}) != len(values):
            raise ConfigError(f"'grid.{key}' was given {values!r}; expected each value once.")
    return [dict(zip(lists, point, strict=True)) for point in itertools.product(*lists.values())]


def _join(names: list[str], point: Mapping[str, Any]) -> str:
    """``dropout, batch_size=128``; whole keys where two end alike."""
    short = [key.rpartition(".")[2] for key in point]
    keys = short if len(set(short)) == len(short) else list(point)
    values = [f"{k}={setting(v)}" for k, v in zip(keys, point.values(), strict=True)]
    return ", ".join([*names, *values])


def _tables(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Settings as nested tables, from dotted keys or tables or both.

    Raises:
        ConfigError: a table that does not exist, or a key that the study sets by itself.
    """
    try:
        parts = [nested(key, value) for key, value in given.items()]
        merged = merge({}, *parts)
        check_tables(merged)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    for key, _ in flat(merged):
        if key in _OWN:
            raise ConfigError(f"'{where}' sets {key}; expected '{_OWN[key]}' at the study's top.")
    return merged


def _check(plan: Plan) -> tuple[Variant, ...]:
    """Resolve every variant, refuse two that could not be told apart, and find those that measure
    the trainings of another.
    """
    slugs: dict[str, str] = {}
    configs: dict[str, str] = {}
    trained: dict[str, str] = {}
    found: list[Variant] = []
    for variant in plan.variants:
        try:
            config = variant.config(plan.name, plan.seeds[0])
        except ConfigError as error:
            raise ConfigError(f"variant '{variant.name}': {error}") from None
        slug, text = variant.slug.casefold(), config.model_dump_json()
        if not slug:
            raise ConfigError(
                f"variant '{variant.name}' has no letter or digit in its name to name its files by."
            )
        for known, own, what in (
            (slugs, slug, "names that give the same file name"),
            (configs, f"{text} {variant.tta}", "the same settings"),
        ):
            if own in known:
                raise ConfigError(
                    f"variants '{known[own]}' and '{variant.name}' have {what}; change one of them."
                )
            known[own] = variant.name
        first = trained.setdefault(text, variant.slug)
        found.append(variant if first == variant.slug else replace(variant, trained_as=first))
    return tuple(found)
