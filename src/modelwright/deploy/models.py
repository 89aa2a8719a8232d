"""The models of a folder, as far as files for other machines have to know them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelwright.core.errors import ConfigError, ServableError
from modelwright.servable.manifest import MANIFEST, read_manifest, version_folders

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What a model may be called: nothing in it means anything in YAML, a path or a shell."""
DNS_LENGTH = 40
"""KServe puts a suffix and the namespace behind a name, and 63 characters are all there are."""
_SAVED_MODEL = "saved_model.pb"
_WITHDRAWN = "withdrawn.json"
"""Beside a model's versions; only Modelwright's own server reads it."""


@dataclass(frozen=True)
class Model:
    """One model and its newest version, which is the one that is served."""

    name: str
    version: int
    own: bool
    """Whether it has a manifest; else it is a SavedModel that was made elsewhere."""


def scan(folder: Path) -> tuple[list[Model], list[str]]:
    """The models of a folder in the order of their names, and what else should be said of it.

    Raises:
        ServableError: there is none, or one is not as it was exported.
        ConfigError: one has a name that cannot be used everywhere.
    """
    if not folder.is_dir():
        raise ServableError(f"{folder} is not a folder; expected one that holds models.")
    if version_folders(folder):
        raise ServableError(
            f"{folder} is a model, it holds numbered versions; expected the folder around it:"
            f" {folder.resolve().parent}."
        )
    found, notes = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        versions = version_folders(path)
        if not versions:
            notes.append(f"{shown(path.name)} is left out: it holds no numbered version.")
            continue
        if not NAME.fullmatch(path.name):
            raise ConfigError(
                f"the model {path.name!r} has a name that not every server, URL and cluster takes;"
                " expected at most 128 Latin letters, digits, '.', '_' and '-', a letter or digit"
                " first. Rename the folder."
            )
        number = max(versions)
        found.append(Model(path.name, number, _check(versions[number])))
        if (path / _WITHDRAWN).exists():
            notes.append(
                f"{path.name} was rolled back, which only Modelwright's own server heeds: what is"
                " written here takes the newest version. Delete what is not to be served."
            )
    if not found:
        raise ServableError(
            f"{folder} holds no model; expected NAME/VERSION/ folders, as 'modelwright export RUN"
            f" {folder}/NAME' makes them."
        )
    return found, notes


def _check(version: Path) -> bool:
    """Whether a version is Modelwright's own; it is checked whole if it is."""
    own = (version / MANIFEST).is_file()
    if own:
        read_manifest(version)
    if not (version / _SAVED_MODEL).is_file():
        raise ServableError(
            f"{version} holds no {_SAVED_MODEL}; expected a SavedModel in every model's newest"
            " version."
        )
    return own


def dns_names(names: Iterable[str]) -> dict[str, str]:
    """Each model's name to one that a Kubernetes object may have (DNS-1035).

    Raises:
        ConfigError: two models would get one name, or one is too long.
    """
    given: dict[str, str] = {}
    for name in names:
        wanted = re.sub(r"[._]+", "-", name.lower()).strip("-")
        wanted = wanted if wanted[:1].isalpha() else f"model-{wanted}".rstrip("-")
        if len(wanted) > DNS_LENGTH:
            raise ConfigError(
                f"the model '{name}' has {len(wanted)} characters in its name; expected at most"
                f" {DNS_LENGTH}, since Kubernetes puts more behind it. Rename the folder."
            )
        if wanted in given:
            raise ConfigError(
                f"the models '{given[wanted]}' and '{name}' would both be called '{wanted}', as"
                " Kubernetes takes small letters, digits and '-' alone. Rename one of the folders."
            )
        given[wanted] = name
    return {name: wanted for wanted, name in given.items()}


def shown(text: str) -> str:
    """A name for a sentence: as it is, or with its odd characters escaped."""
    return text if text.isprintable() else ascii(text)
