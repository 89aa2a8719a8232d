"""One config from four layers: a recipe's settings, a file, the command's options, ``--set``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.config import (
    AnyTable,
    Config,
    DataConfig,
    ModelConfig,
    TrainConfig,
    check_table,
)
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.models.builders import check_options
from modelwright.recipes import recipe as recipes

Layer = Mapping[str, Any]
_TABLES = ("data", "model", "train")


def resolve(
    file: Path | None = None, options: Layer | None = None, sets: Sequence[str] = ()
) -> Config:
    """Lay the layers over each other, later ones on top, and check the whole.

    Args:
        file: a TOML file with the tables ``[data]``, ``[model]``, ``[train]`` and ``name``.
        options: the same structure as a mapping.
        sets: ``table.key=value`` texts, the value as TOML or else as plain text.

    Raises:
        ConfigError: names the key, what was given, what is allowed.
    """
    layers = [read_file(file) if file else {}, options or {}, *(parse_set(text) for text in sets)]
    merged = merge({}, *layers)
    model = dict(merged.get("model", {}))
    name = model.pop("recipe", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"no recipe given; expected one of {', '.join(recipes.names())}, or a function as"
            " package.module:function, as [model] recipe in the file or with --recipe."
        )
    recipe = recipes.read(name)
    data = check_table(DataConfig, merged.get("data", {}), "data")
    if not data.source:
        raise ConfigError(
            "no data given; expected a path or a named set, as [data] source in the file or"
            " with --data."
        )
    checked = ModelConfig(builder=recipe.builder, options={**recipe.model, **model})
    options_table = check_options(checked)
    values = _effective(options_table, model, "model").model_dump()
    train = check_table(TrainConfig, {**recipe.train, **merged.get("train", {})}, "train")
    train = _effective(train, merged.get("train", {}), "train")
    return check_table(
        Config,
        {
            "name": merged.get("name") or (file.stem if file else _plain(recipe.name)),
            "recipe": recipe.name,
            "data": data,
            "model": ModelConfig(builder=recipe.builder, options=values),
            "train": train,
        },
        "",
    )


def read_file(path: Path) -> dict[str, Any]:
    """A config file's tables, with a source beside the file made a path from here.

    Raises:
        ConfigError: it cannot be read, is not TOML, or has a table that does not exist.
    """
    tables = read_toml(path, "config")
    check_tables(tables)
    return from_beside(path, tables)


def read_toml(path: Path, kind: str) -> dict[str, Any]:
    """What a TOML file holds; ``kind`` says in an error what it should be.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {kind} file {path}; expected the path of a TOML file. Correct the path."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {kind} file {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None


def from_beside(file: Path, tables: Layer) -> dict[str, Any]:
    """The tables, with sources that lie beside the file made paths from here."""
    found: dict[str, Any] = {}
    for key in ("source", "unlabelled"):
        given = tables.get("data", {}).get(key)
        if isinstance(given, str):
            found[key] = _beside(file, given)
        elif isinstance(given, list):
            found[key] = [_beside(file, item) for item in given]
    return merge(tables, {"data": found}) if found else dict(tables)


def parse_set(text: str) -> dict[str, Any]:
    """``train.epochs=5`` as nested tables.

    Raises:
        ConfigError: it has no ``=``, or names no table.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set was given '{text}'; expected table.key=value.")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return nested(key.strip(), parsed)


def nested(key: str, value: Any) -> dict[str, Any]:
    """``train.epochs`` and 5 as nested tables.

    Raises:
        ConfigError: the key names no table.
    """
    tables: Any = value
    for part in reversed(key.split(".")):
        tables = {part: tables}
    check_tables(tables)
    return tables  # type: ignore[no-any-return]


def flat(tables: Layer, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as ``train.epochs`` and 5, key by key."""
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def check_tables(tables: Mapping[str, Any]) -> None:
    """Check that there are no other tables than a config has.

    Raises:
        ConfigError: names the nearest one there is.
    """
    known = (*_TABLES, "name")
    # A key without its table is the likeliest slip of all.
    whole = [f"data.{name}" for name in DataConfig.model_fields]
    whole += [f"train.{name}" for name in TrainConfig.model_fields]
    for key, value in tables.items():
        if key not in known:
            meant = [name for name in whole if name.endswith(f".{key}")]
            hint = f" Did you mean '{meant[0]}'?" if meant else nearest(key, known)
            raise ConfigError(f"unknown key '{key}'.{hint} Known here: {', '.join(known)}.")
        if key in _TABLES and not isinstance(value, Mapping):
            raise ConfigError(f"'{key}' was given {value!r}; expected a table: {key}.KEY.")


def merge(base: Layer, *layers: Layer) -> dict[str, Any]:
    """Tables laid over each other, key by key; later ones on top."""
    merged = dict(base)
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            both = isinstance(value, Mapping) and isinstance(below, Mapping)
            merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _effective(table: AnyTable, chosen: Layer, name: str) -> AnyTable:
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


def _beside(file: Path, source: object) -> object:
    if isinstance(source, str) and (file.parent / source).exists():
        return str(file.parent / source)
    return source


def _plain(name: str) -> str:
    return name.rpartition(":")[2]
