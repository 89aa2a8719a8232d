"""The studies of the package, ``studies/published/*.toml``: their plans and their commands.

They try every claim of a tutorial, and compare recipes with numbers from papers. This module
trains nothing and loads no framework.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.models import builders
from modelwright.recipes.resolve import merge_tables
from modelwright.studies.plan import StudyPlan, StudyVariant
from modelwright.studies.plan_file import read_study_plan

ROWS, EPOCHS, LENGTH = 1_000, 1, 100
"""Limits of a quick run: rows of each split, epochs, and tokens of a text."""


def shipped_study_names() -> list[str]:
    """Returns the names of the studies, sorted."""
    files = (resources.files("modelwright.studies") / "published").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def select_study_names(names: Sequence[str]) -> list[str]:
    """Returns the names once each, or all studies if there are none.

    Raises:
        ConfigError: there is no study of a name.
    """
    known = shipped_study_names()
    for name in names:
        if name not in known:
            raise ConfigError(
                f"there is no study '{name}'.{nearest(name, known)} Known here:"
                f" {', '.join(known)}; to run a study of your own, use modelwright compare."
            )
    return list(dict.fromkeys(names)) or known


def read_shipped_study(name: str) -> StudyPlan:
    """Returns the plan of a study."""
    file = resources.files("modelwright.studies") / "published" / f"{name}.toml"
    plan = read_study_plan(tomllib.loads(file.read_text("utf-8")))
    return replace(plan, command=reproduce_command(name))


def reproduce_command(name: str, *options: str) -> str:
    """Returns the command that reproduces a study."""
    return shlex.join(["modelwright", "reproduce", "--only", name, *options])


def quick_plan(plan: StudyPlan) -> StudyPlan:
    """Returns the same variants with few rows, epochs and tokens, and with one seed.

    The plan has another name, so that its results never replace those of the study.
    """
    return replace(
        plan,
        name=f"{plan.name}-quick",
        seeds=plan.seeds[:1],
        variants=tuple(_quick_variant(variant, plan) for variant in plan.variants),
        command=reproduce_command(plan.name, "--quick"),
    )


def _quick_variant(variant: StudyVariant, plan: StudyPlan) -> StudyVariant:
    config = variant.config(plan.name, plan.seeds[0])
    options = builders.check_options(config.model).model_dump()
    limits = {"data": {"limit": ROWS}, "train": {"epochs": min(EPOCHS, config.train.epochs)}}
    if builders.find_builder(config.model.builder).task == "text":
        limits["model"] = {"length": min(LENGTH, options["length"])}
    return replace(variant, tables=merge_tables(variant.tables, limits))
