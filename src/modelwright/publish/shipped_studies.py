"""The studies that come with the package, ``published/*.toml``: every claim of a tutorial's, and
the recipes beside figures from papers. It trains nothing and loads no framework.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.models.builders import check_options, find_builder
from modelwright.recipes.resolve import merge
from modelwright.studies import plan as plans
from modelwright.studies.plan import Plan, Variant

ROWS, EPOCHS, LENGTH = 1_000, 1, 100
"""Of ``quick``: at most so many rows of each split, epochs, and tokens of a text."""


def names() -> list[str]:
    """The studies there are."""
    files = (resources.files("modelwright.studies") / "published").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def choose(given: Sequence[str]) -> list[str]:
    """Those names once each, or all of them where none is given.

    Raises:
        ConfigError: there is no study of a name.
    """
    for name in given:
        if name not in names():
            raise ConfigError(
                f"there is no study '{name}'.{nearest(name, names())} Known here:"
                f" {', '.join(names())}; a study of your own is for modelwright compare."
            )
    return list(dict.fromkeys(given)) or names()


def read(name: str) -> Plan:
    """The study of that name, checked."""
    text = (resources.files("modelwright.studies") / "published" / f"{name}.toml").read_text(
        "utf-8"
    )
    plan = plans.read(tomllib.loads(text))
    return replace(plan, command=command(name))


def command(name: str, *options: str) -> str:
    """What a person types to have it again."""
    return shlex.join(["modelwright", "reproduce", "--only", name, *options])


def quick(plan: Plan) -> Plan:
    """The same rows of the table, from few rows, epochs and tokens, with one seed.

    It has another name, so that its figures never stand where the study's belong.
    """
    return replace(
        plan,
        name=f"{plan.name}-quick",
        seeds=plan.seeds[:1],
        variants=tuple(_quick(variant, plan) for variant in plan.variants),
        command=command(plan.name, "--quick"),
    )


def _quick(variant: Variant, plan: Plan) -> Variant:
    config = variant.config(plan.name, plan.seeds[0])
    options = check_options(config.model).model_dump()
    less = {"data": {"limit": ROWS}, "train": {"epochs": min(EPOCHS, config.train.epochs)}}
    if find_builder(config.model.builder).task == "text":
        less["model"] = {"length": min(LENGTH, options["length"])}
    return replace(variant, tables=merge(variant.tables, less))
