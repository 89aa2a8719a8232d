"""Resolves one config from four layers: a recipe, a file, the command's options, ``--set``."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.config import (
    AnyTable,
    ClusterConfig,
    Config,
    DataConfig,
    ModelConfig,
    TrainConfig,
    check_table,
)
from modelwright.core.errors import ConfigError
from modelwright.core.folders import is_run
from modelwright.core.nearest import nearest
from modelwright.core.types import Progress
from modelwright.data.dispatch import READERS, read_sources
from modelwright.models.builders import check_options
from modelwright.recipes.choose import choose_recipe
from modelwright.recipes.recipe import (
    Recipe,
    is_recipe_file,
    read_recipe,
    read_recipe_file,
    recipe_names,
)
from modelwright.recipes.source_paths import resolve_source_paths

ConfigLayer = Mapping[str, Any]
_TABLES = ("data", "model", "train", "cluster")
_READ_BY_SOLVERS = ("class_weight", "seed", "precision", "tensorboard", "histograms")
"""Keys of ``[train]`` that say nothing of steps."""


@dataclass(frozen=True)
class ResolvedConfig:
    """A config, and what was decided for the user who left it open."""

    config: Config
    notes: tuple[str, ...] = ()
    cluster: Mapping[str, Any] = field(default_factory=dict)
    """The keys of ``[cluster]``, which say how to train and nothing of the result."""


def resolve_or_choose(
    file: Path | None = None,
    options: ConfigLayer | None = None,
    sets: Sequence[str] = (),
    progress: Progress | None = None,
    recipe_of: Callable[[str | None], Recipe] | None = None,
) -> ResolvedConfig:
    """Resolves a config as ``resolve_config`` does; without a recipe it chooses one for the data.

    Args:
        file: a TOML file.
        options: the same tables as a mapping.
        sets: texts ``table.key=value``.
        progress: called while the data is read.
        recipe_of: returns the recipe for the name that the user gave, or for None. By default it is
            that of the name, or one that fits the data.

    Raises:
        ConfigError: names the key, what was given and what is allowed.
        DataError: no recipe is given, and the data cannot be read.
    """
    tables = _merge_layers(file, options, sets)
    cluster = tables.pop("cluster", {})
    check_table(ClusterConfig, cluster, "cluster")
    data = check_table(DataConfig, tables.get("data", {}), "data")
    name = _source_name(data) if file is None and data.source else ""
    named: dict[str, Any] = {"name": name} if name else {}
    recipe = recipe_of(tables.get("model", {}).get("recipe")) if recipe_of else None
    if recipe:
        tables = merge_tables(named, {"model": {"recipe": recipe.name}}, tables)
    if "recipe" in tables.get("model", {}) or not data.source:
        config = _resolve_merged(tables, file, recipe)
        return ResolvedConfig(config, note_unused_steps(config, tables), cluster)
    choice = choose_recipe(read_sources(data, progress), data, tables.get("model"), progress)
    chosen = merge_tables(named, {"model": {"recipe": choice.name}}, tables)
    config = _resolve_merged(chosen, file)
    return ResolvedConfig(config, (choice.reason, *note_unused_steps(config, tables)), cluster)


def is_config_file(name: Path | str) -> bool:
    """Returns whether an argument of ``train`` is a config file; otherwise it is data."""
    path = Path(name)
    if path.suffix.lower() == ".toml":
        return True
    if path.suffix.lower() in READERS or not path.is_file():
        return False
    try:
        return bool(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return False


def resolve_config(
    file: Path | None = None, options: ConfigLayer | None = None, sets: Sequence[str] = ()
) -> Config:
    """Merges the layers, later ones over earlier ones, and checks the result.

    Args:
        file: a TOML file with the tables ``[data]``, ``[model]``, ``[train]`` and ``name``.
        options: the same tables as a mapping.
        sets: texts ``table.key=value``; a value that is not TOML is plain text.

    A recipe that is named by its file is a layer below the others. Then the config has the name of
    the recipe that the file changes.

    Raises:
        ConfigError: names the key, what was given and what is allowed.
    """
    merged = _merge_layers(file, options, sets)
    if "cluster" in merged:
        raise ConfigError(
            "the table 'cluster' was given, which is for one training, as in 'modelwright train';"
            " here many are carried out, each in a process of its own. Leave it out."
        )
    return _resolve_merged(merged, file)


def _resolve_merged(merged: ConfigLayer, file: Path | None, recipe: Recipe | None = None) -> Config:
    model = dict(merged.get("model", {}))
    name = model.pop("recipe", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"no recipe given; expected one of {', '.join(recipe_names())}, or a function as"
            " package.module:function, as [model] recipe in the file or with --recipe. With data"
            " alone, as in 'modelwright train reviews.csv', a recipe is chosen."
        )
    recipe = recipe or read_recipe(name)
    data = check_table(DataConfig, {**recipe.data, **merged.get("data", {})}, "data")
    if not data.source:
        raise ConfigError(
            "no data given; expected a path or a named set, as [data] source in the file or"
            " with --data, as in 'modelwright train reviews.csv'."
        )
    checked = ModelConfig(builder=recipe.builder, options={**recipe.model, **model})
    values = _effective(check_options(checked), model, "model").model_dump()
    own = merged.get("train", {})
    train = check_table(TrainConfig, {**recipe.train, **_replaced_minimums(own), **own}, "train")
    train = _effective(train, own, "train")
    return check_table(
        Config,
        {
            "name": merged.get("name") or (file.stem if file else _function_name(recipe.name)),
            "recipe": recipe.name,
            "data": data,
            "model": ModelConfig(builder=recipe.builder, options=values),
            "train": train,
        },
        "",
    )


def note_unused_steps(config: Config, tables: ConfigLayer) -> tuple[str, ...]:
    """Returns a note about given settings of steps, where a solver leaves none to take."""
    options = check_options(config.model)
    if not getattr(options, "solved", False) or getattr(options, "steps_follow", False):
        return ()
    given = [f"train.{key}" for key in tables.get("train", {}) if key not in _READ_BY_SOLVERS]
    if not given:
        return ()
    verb = "has" if len(given) == 1 else "have"
    more = "model.fit=steps takes" if hasattr(options, "fit") else "model.finetune=8 adds"
    return (
        f"{', '.join(given)} {verb} no effect: recipe '{config.recipe}' is solved and takes no"
        f" steps; {more} steps, --recipe names another",
    )


def _merge_layers(
    file: Path | None, options: ConfigLayer | None, sets: Sequence[str]
) -> dict[str, Any]:
    layers = [
        read_config_file(file) if file else {},
        options or {},
        *(parse_set(text) for text in sets),
    ]
    return with_recipe_file(merge_tables({}, *layers))


def with_recipe_file(tables: ConfigLayer) -> dict[str, Any]:
    """Returns tables over those of the recipe file that they name, if they name one.

    Raises:
        ConfigError: the file cannot be used.
    """
    model = tables.get("model", {})
    recipe = model.get("recipe") if isinstance(model, Mapping) else None
    if not isinstance(recipe, str) or not is_recipe_file(recipe):
        return dict(tables)
    below = read_recipe_file(recipe)
    own = {**tables, "model": {**model, "recipe": below["model"]["recipe"]}}
    return merge_tables(resolve_source_paths(Path(recipe), below), own)


def _source_name(data: DataConfig) -> str:
    """Returns a name for a run on the data: ``reviews`` for ``data/reviews.csv``."""
    first = data.source if isinstance(data.source, str) else data.source[0]
    return re.sub(r"[^\w.-]+", "-", Path(first).resolve().stem).strip("-.")[:40]


def read_config_file(path: Path) -> dict[str, Any]:
    """Returns the tables of a config file. Paths of sources are made relative to this folder.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or has an unknown table.
    """
    tables = read_toml(path, "config")
    if "recipe" in tables and is_run(path.parent):
        raise ConfigError(
            f"{path} is the record of a run, not a config file; to continue the run:"
            f" modelwright train --resume {shlex.quote(str(path.parent))}."
        )
    check_table_names(tables)
    return resolve_source_paths(path, tables)


def read_toml(path: Path, kind: str) -> dict[str, Any]:
    """Returns the content of a TOML file; ``kind`` names the file in errors.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {kind} file {path}; expected the path of a TOML file. Correct the path."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        if path.is_dir():
            raise ConfigError(f"{path} is a folder; expected the {kind} file, in TOML.") from None
        raise ConfigError(f"the {kind} file {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None


def parse_set(text: str) -> dict[str, Any]:
    """Returns ``train.epochs=5`` as nested tables.

    Raises:
        ConfigError: the text has no ``=``, or names no table.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set was given '{text}'; expected table.key=value.")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return nest_setting(key.strip(), parsed)


def nest_setting(key: str, value: Any) -> dict[str, Any]:
    """Returns ``train.epochs`` and 5 as nested tables.

    Raises:
        ConfigError: the key names no table.
    """
    *outer, last = key.split(".")
    tables = {last: value}
    for part in reversed(outer):
        tables = {part: tables}
    check_table_names(tables)
    return tables


def flatten_settings(tables: ConfigLayer, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the values of nested tables as ``train.epochs`` and 5."""
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from flatten_settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def check_table_names(tables: Mapping[str, Any], *more: str) -> None:
    """Checks that all tables are tables of a config; messages name the tables ``more`` too.

    Raises:
        ConfigError: names the unknown key and the nearest known one.
    """
    known = (*_TABLES, "name", *more)
    # The most likely mistake is a key without its table.
    whole = [f"data.{name}" for name in DataConfig.model_fields]
    whole += [f"train.{name}" for name in TrainConfig.model_fields]
    for key, value in tables.items():
        if key not in known:
            meant = [name for name in whole if name.endswith(f".{key}")]
            hint = f" Did you mean '{meant[0]}'?" if meant else nearest(key, known)
            raise ConfigError(f"unknown key '{key}'.{hint} Known here: {', '.join(known)}.")
        if key in _TABLES and not isinstance(value, Mapping):
            raise ConfigError(f"'{key}' was given {value!r}; expected a table: {key}.KEY.")


def merge_tables(base: ConfigLayer, *layers: ConfigLayer) -> dict[str, Any]:
    """Returns the tables merged key by key; later layers win."""
    merged = dict(base)
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            if isinstance(value, Mapping) and isinstance(below, Mapping):
                value = merge_tables(below, value)
            merged[key] = value
    return merged


def _replaced_minimums(own: ConfigLayer) -> dict[str, int]:
    """Returns the minimums of a recipe that settings of the user's own put out of force.

    Whoever says how long to train, or how to choose the epoch, gets just that with few rows too.
    """
    length = {"min_steps": 0} if "epochs" in own else {}
    choice = {"min_val_rows": 0} if own.keys() & {"patience", "monitor"} else {}
    return {**length, **choice}


def _effective(table: AnyTable, chosen: ConfigLayer, name: str) -> AnyTable:
    """Returns the table with what a recipe set without effect put back to its default.

    Raises:
        ConfigError: the user chose a value that has no effect.
    """
    unread = table.unread()
    fields = type(table).model_fields
    for key, reason in unread.items():
        if key in chosen and getattr(table, key) != fields[key].default:
            others = [f"{name}.{other}" for other in fields if other not in unread]
            raise ConfigError(
                f"'{name}.{key}' was given {chosen[key]!r}, which has no effect: {name}.{reason}."
                f" Leave it out, or change {name}.{table.read_only_with[key][0]}. Read here:"
                f" {', '.join(others)}."
            )
    return table.model_copy(update={key: fields[key].default for key in unread})


def _function_name(name: str) -> str:
    return name.rpartition(":")[2]
