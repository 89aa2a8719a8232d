"""Finds the models of a folder, and names for them that other systems accept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelwright.core.errors import ConfigError, ServableError
from modelwright.core.folders import kind_of, wrong_folder
from modelwright.servable.live_version import live_version
from modelwright.servable.manifest import version_folders
from modelwright.servable.version_folder import SAVED_MODEL, read_version
from modelwright.servable.withdrawn import WITHDRAWN_FILE, read_withdrawn

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names without characters that are special in YAML, a path or a shell."""
DNS_LENGTH = 40
"""A DNS label has 63 characters, and KServe appends a suffix and the namespace to a name."""


@dataclass(frozen=True)
class DeployableModel:
    """One model and the version that the server will answer with."""

    name: str
    version: int
    has_manifest: bool
    """Whether Modelwright exported it; if not, it is a SavedModel from elsewhere."""


def find_models(
    folder: Path, *, obeys_rollback: bool = False
) -> tuple[list[DeployableModel], list[str]]:
    """Returns the models of a folder in the order of their names, and notes for the user.

    Args:
        folder: a folder of models.
        obeys_rollback: whether the server that will run them leaves out withdrawn versions.

    Raises:
        ServableError: the folder holds no model, or a model is damaged.
        ConfigError: a model has a name that other systems do not accept.
    """
    if not folder.is_dir():
        raise ServableError(f"{folder} is not a folder; expected one that holds models.")
    if kind_of(folder) in ("run", "runs", "version"):
        raise ServableError(wrong_folder(folder, "models"))
    folders = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    # A numbered folder next to models is left out below, because it may hold anything.
    if version_folders(folder) and not any(map(version_folders, folders)):
        raise ServableError(
            f"{folder} is a model, it holds numbered versions; expected the folder around it:"
            f" {folder.resolve().parent}."
        )
    models, notes = [], []
    for path in folders:
        if path.name.startswith("."):
            continue
        versions = version_folders(path)
        if not versions:
            notes.append(f"{printable(path.name)} is left out: it holds no numbered version.")
            continue
        if not NAME.fullmatch(path.name):
            raise ConfigError(
                f"the model {path.name!r} has a name that not every server, URL and cluster takes;"
                " expected at most 128 Latin letters, digits, '.', '_' and '-', a letter or digit"
                " first. Rename the folder."
            )
        number = max(versions)
        if obeys_rollback:
            number = live_version(versions, read_withdrawn(path)) or number
        elif (path / WITHDRAWN_FILE).exists():
            notes.append(
                f"{path.name} was rolled back, which TensorFlow Serving does not obey. These"
                " files serve the newest version; delete the versions that should not be served."
            )
        models.append(DeployableModel(path.name, number, _has_manifest(versions[number])))
    if not models:
        raise ServableError(
            f"{folder} holds no model; expected NAME/VERSION/ folders, as 'modelwright export RUN"
            f" {folder}/NAME' makes them."
        )
    return models, notes


def with_manifest(
    models: list[DeployableModel], folder: Path
) -> tuple[list[DeployableModel], list[str]]:
    """Returns the models that Modelwright's own engines can run, and notes about the others.

    Raises:
        ServableError: no model has a manifest.
    """
    exported = [model for model in models if model.has_manifest]
    if not exported:
        raise ServableError(
            f"no model in {folder} has a manifest; expected servables that 'modelwright export'"
            " wrote, which run without TensorFlow."
        )
    return exported, [
        f"{model.name} is left out: without a manifest, the engine cannot run it."
        for model in models
        if not model.has_manifest
    ]


def _has_manifest(version: Path) -> bool:
    """Checks the files of a version, and returns whether it has a manifest."""
    if not (version / SAVED_MODEL).is_file():
        raise ServableError(
            f"{version} holds no {SAVED_MODEL}; expected a SavedModel in every version that"
            " is served."
        )
    return read_version(version) is not None


def dns_names(names: Iterable[str]) -> dict[str, str]:
    """Maps each model's name to a valid name of a Kubernetes object (DNS-1035).

    Raises:
        ConfigError: two models would get the same name, or a name is too long.
    """
    taken: dict[str, str] = {}
    for name in names:
        label = re.sub(r"[._]+", "-", name.lower()).strip("-")
        label = label if label[:1].isalpha() else f"model-{label}".rstrip("-")
        if len(label) > DNS_LENGTH:
            raise ConfigError(
                f"the model '{name}' has {len(label)} characters in its name; expected at most"
                f" {DNS_LENGTH}, because Kubernetes appends to it. Rename the folder."
            )
        if label in taken:
            raise ConfigError(
                f"the models '{taken[label]}' and '{name}' would both be called '{label}', because"
                " Kubernetes accepts only small letters, digits and '-'. Rename one of the folders."
            )
        taken[label] = name
    return {name: label for label, name in taken.items()}


def printable(text: str) -> str:
    """Returns a name for a message, escaped if it has characters that cannot be printed."""
    return text if text.isprintable() else ascii(text)
