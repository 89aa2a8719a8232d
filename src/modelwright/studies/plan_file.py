"""Reads a study's file and checks all of it before any training.

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

This module trains nothing and loads no framework.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from modelwright.core.config import Table, check_table, setting
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.recipes.resolve import (
    check_table_names,
    flatten_settings,
    merge_tables,
    nest_setting,
    read_toml,
)
from modelwright.recipes.source_paths import resolve_source_paths
from modelwright.studies.plan import StudyPlan, StudyVariant
from modelwright.studies.translations import PageLanguage

Seed = Annotated[int, Field(ge=0, lt=2**31)]
TextByLanguage = dict[PageLanguage, str]
Percent = Annotated[float, Field(gt=1, le=100)]
_OWN = {"train.seed": "seeds", "name": "name"}
"""Keys of a config that the study sets, and the key of the plan that sets them."""


class StudyTable(Table):
    """The top level of a study's file."""

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=64)]
    """Name of the study and of its folder, studies/NAME."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(default=[0, 1, 2])
    """Random seeds; every variant is trained with each of them."""
    split: Literal["test", "val"] = "test"
    """Rows that the variants are compared on."""
    tta: bool = False
    """Measure with test-time augmentation: average over mirrored and shifted copies of an image."""
    title: TextByLanguage = Field(default_factory=dict)
    """Title, by language."""
    source: TextByLanguage = Field(default_factory=dict)
    """Source of the published numbers, by language."""
    keep: Literal["runs", "results"] = "runs"
    """results deletes the folder of a run after its result is recorded."""
    base: dict[str, Any] = Field(default_factory=dict)
    """Config that all variants start from."""
    variants: list[dict[str, Any]] = Field(default_factory=list)
    grid: dict[str, Any] = Field(default_factory=dict)
    """Lists of values; every variant is trained with every combination."""


class VariantTable(Table):
    """``[[variants]]``: one variant of the comparison."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    after: str | None = None
    """An earlier variant. This one inherits its settings and is tested against it. Without it, a
    variant starts from the base and is tested against the first variant."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Changed settings, ``table.key`` to value."""
    claimed: Percent | None = None
    """Published accuracy in percent, shown with the measured one."""
    rerun: Percent | None = None
    """Accuracy that the published code gives when it is run unchanged, in percent."""
    claimed_gap: Annotated[float, Field(ge=-100, le=100)] | None = None
    """Published gap between training and test accuracy, in percentage points."""
    tta: bool | None = None
    """The study's ``tta``, for this variant. Two variants that differ in nothing else share their
    trainings."""


def read_study_plan(study: Path | str | Mapping[str, Any]) -> StudyPlan:
    """Reads a study from its file or from a mapping, and checks all of it.

    Raises:
        ConfigError: names the key or the variant, what was given and what is expected.
    """
    file = None if isinstance(study, Mapping) else Path(study)
    content = study if isinstance(study, Mapping) else read_toml(Path(study), "study")
    top = check_table(StudyTable, content, "")
    if len(set(top.seeds)) != len(top.seeds):
        raise ConfigError(f"'seeds' was given {top.seeds}; expected each seed once.")
    base = _settings_tables(top.base, "base")
    rows = [_variant_table(entry, number) for number, entry in enumerate(top.variants, 1)]
    variants = [
        replace(variant, tta=top.tta if row.tta is None else row.tta)
        for variant, row in _expand(base, rows, top.grid, file)
    ]
    plan = StudyPlan(
        name=top.name,
        seeds=tuple(top.seeds),
        split=top.split,
        tta=top.tta,
        keep=top.keep,
        variants=tuple(variants),
        title=dict(top.title),
        source=dict(top.source),
    )
    return replace(plan, variants=_resolve_variants(plan))


def _variant_table(entry: Mapping[str, Any], number: int) -> VariantTable:
    name = entry.get("name")
    return check_table(VariantTable, entry, f"variants.{name if name else number}")


def _expand(
    base: Mapping[str, Any], rows: list[VariantTable], grid: Mapping[str, Any], file: Path | None
) -> Iterator[tuple[StudyVariant, VariantTable]]:
    """Yields every variant at every point of the grid, each after its reference."""
    known: dict[str, dict[str, Any]] = {}
    points = _grid_points(grid)
    # Without variants, the points of the grid are compared and named after their values alone.
    names = [row.name for row in rows]
    rows = rows or [VariantTable(name="base")]
    first = _join_names(names[:1], points[0]) or "base"
    for row in rows:
        known[row.name] = settings = _inherited_settings(row, known)
        for point in points:
            name = _join_names([row.name] if names else [], point) or "base"
            reference = _join_names([row.after or names[0]], point) if names else first
            combined = {**settings, **point}
            changes = (nest_setting(key, value) for key, value in combined.items())
            tables = merge_tables(base, *changes)
            variant = StudyVariant(
                name=name,
                # The first variant is its own reference, at the first point of the grid.
                reference=None if name == first else first if reference == name else reference,
                settings=combined,
                tables=resolve_source_paths(file, tables) if file else tables,
                claimed=None if row.claimed is None else row.claimed / 100,
                claimed_gap=None if row.claimed_gap is None else row.claimed_gap / 100,
                rerun=None if row.rerun is None else row.rerun / 100,
            )
            yield variant, row


def _inherited_settings(row: VariantTable, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns the settings of a variant over those of the variant that it names in ``after``."""
    if row.name in known:
        raise ConfigError(f"two variants are named '{row.name}'; expected different names.")
    if row.after is not None and row.after not in known:
        raise ConfigError(
            f"variant '{row.name}' comes after '{row.after}', which is not listed before it."
            f"{nearest(row.after, known)} Listed before it: {', '.join(known) or 'none'}."
        )
    own = dict(flatten_settings(_settings_tables(row.set, f"variants.{row.name}.set")))
    return {**(known[row.after] if row.after else {}), **own}


def _grid_points(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the combinations of the grid's values; without a grid, one empty combination."""
    lists = dict(flatten_settings(_settings_tables(grid, "grid")))
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(
                f"'grid.{key}' was given {values!r}; expected a list of values, at least one."
            )
        if len({repr(value) for value in values}) != len(values):
            raise ConfigError(f"'grid.{key}' was given {values!r}; expected each value once.")
    return [dict(zip(lists, point, strict=True)) for point in itertools.product(*lists.values())]


def _join_names(names: list[str], point: Mapping[str, Any]) -> str:
    """Returns ``dropout, batch_size=128``; with whole keys if two keys end the same."""
    short = [key.rpartition(".")[2] for key in point]
    keys = short if len(set(short)) == len(short) else list(point)
    values = [f"{k}={setting(v)}" for k, v in zip(keys, point.values(), strict=True)]
    return ", ".join([*names, *values])


def _settings_tables(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns settings as nested tables. Keys may be dotted, nested or both.

    Raises:
        ConfigError: a table does not exist, or the study itself sets a key.
    """
    try:
        merged = merge_tables({}, *(nest_setting(key, value) for key, value in settings.items()))
        check_table_names(merged)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    for key, _ in flatten_settings(merged):
        if key in _OWN:
            raise ConfigError(f"'{where}' sets {key}; expected '{_OWN[key]}' at the study's top.")
    return merged


def _resolve_variants(plan: StudyPlan) -> tuple[StudyVariant, ...]:
    """Checks every variant and finds those that can share the trainings of another.

    Raises:
        ConfigError: settings cannot be used, or two variants cannot be told apart.
    """
    slugs: dict[str, str] = {}
    configs: dict[str, str] = {}
    trained: dict[str, str] = {}
    resolved: list[StudyVariant] = []
    for variant in plan.variants:
        try:
            config = variant.config(plan.name, plan.seeds[0])
        except ConfigError as error:
            raise ConfigError(f"variant '{variant.name}': {error}") from None
        slug, text = variant.slug.casefold(), config.model_dump_json()
        if not slug:
            raise ConfigError(
                f"variant '{variant.name}' has no letter or digit in its name; its files are named"
                " after them."
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
        shared = None if first == variant.slug else first
        resolved.append(replace(variant, trained_as=shared))
    return tuple(resolved)
