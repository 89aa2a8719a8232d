"""The plan of a study: its variants, with all their settings, and its seeds.

``plan_file`` reads a plan from a TOML file. This module trains nothing and loads no framework.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from modelwright.core.config import Config, setting
from modelwright.recipes.resolve import flatten_settings, merge_tables, resolve_config
from modelwright.studies.translations import PageLanguage
from modelwright.trials.settings_difference import UNCOMPARED_SETTINGS

_FOLLOWING_SETTINGS = frozenset(["train.min_steps", "train.min_val_rows"])
"""Settings that other settings of a variant put out of force; only the others are shown."""
_SLUG_LENGTH = 60


@dataclass(frozen=True)
class StudyVariant:
    """One variant with all its settings except the seed.

    ``settings`` differ from the base, ``table.key`` to value; ``tables`` has all settings.
    ``claimed``, ``claimed_gap`` and ``rerun`` are shares from 0 to 1.
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
    """The slug of the variant whose trainings it measures; None if it has its own."""

    @property
    def slug(self) -> str:
        """The name as a part of a file name."""
        plain = re.sub(r"[^\w.=+-]+", "-", self.name).strip("-.")
        if len(plain) <= _SLUG_LENGTH:
            return plain
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return f"{plain[:_SLUG_LENGTH]}-{digest[:8]}"

    def run_name(self, seed: int) -> str:
        """Returns the name of the run's folder, which two variants can share."""
        return f"{self.trained_as or self.slug}-seed-{seed}"

    def result_name(self, seed: int, split: str) -> str:
        """Returns the file name of the result on a split."""
        measurement = f"{split}-tta" if self.tta else split
        return f"{self.slug}-seed-{seed}.{measurement}.json"

    def config(self, study: str, seed: int) -> Config:
        """Returns the config of one training.

        Raises:
            ConfigError: a setting cannot be used.
        """
        return resolve_config(
            options=merge_tables(self.tables, {"name": study, "train": {"seed": seed}})
        )

    def changed_settings(self) -> dict[str, Any]:
        """Returns the settings that differ from the recipe's, ``table.key`` to value."""
        source, recipe = self.tables["data"]["source"], self.tables["model"]["recipe"]
        unchanged = resolve_config(
            options={"data": {"source": source}, "model": {"recipe": recipe}}
        )
        own = self.config(unchanged.name, unchanged.train.seed)
        before, now = (
            {
                key.replace("model.options.", "model.", 1): value
                for key, value in flatten_settings(config.model_dump())
            }
            for config in (unchanged, own)
        )
        unnamed = _FOLLOWING_SETTINGS.difference(dict(flatten_settings(self.tables)))
        return {
            key: value
            for key, value in now.items()
            if before.get(key) != value and key not in {*UNCOMPARED_SETTINGS, *unnamed}
        }

    def command(self, seed: int, out: Path) -> str:
        """Returns the command that trains this variant alone."""
        values = dict(flatten_settings(self.tables))
        source, recipe = values.pop("data.source"), values.pop("model.recipe")
        arguments = ["modelwright", "train"]
        for item in [source] if isinstance(source, str) else source:
            arguments += ["--data", item]
        arguments += ["--recipe", recipe, "--seed", str(seed)]
        for key, value in values.items():
            arguments += ["--set", f"{key}={setting(value)}"]
        return shlex.join([*arguments, "--out", str(out)])


@dataclass(frozen=True)
class StudyPlan:
    """A study that was read and checked."""

    name: str
    seeds: tuple[int, ...]
    split: Literal["test", "val"]
    tta: bool
    keep: Literal["runs", "results"]
    variants: tuple[StudyVariant, ...]
    title: Mapping[PageLanguage, str] = field(default_factory=dict)
    source: Mapping[PageLanguage, str] = field(default_factory=dict)
    command: str | None = None
    """The command that runs it, if it is not ``compare`` with its file."""
