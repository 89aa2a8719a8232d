"""What is to be served: models, their folders, which of their versions, and labels.

Either every model below one folder, or those of a config file in TensorFlow Serving's text format
(https://www.tensorflow.org/tfx/serving/serving_config). Loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from google.protobuf import text_format

from modelwright.core.errors import ConfigError, ServableError
from modelwright.servable import withdrawn
from modelwright.servable.manifest import version_folders
from modelwright.wire import messages

_NAME = re.compile(r"[^/:\s\x00-\x1f]{1,128}")


@dataclass(frozen=True)
class Policy:
    """Which versions are served: the newest ``count``, all, or those of a list."""

    kind: Literal["latest", "all", "specific"] = "latest"
    count: int = 1
    versions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One model that is to be served."""

    name: str
    base: Path
    policy: Policy = Policy()
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """Versions in the order in which they are wanted, and how many of them."""

    versions: Mapping[int, Path]
    count: int


def of_folder(root: Path) -> dict[str, Entry]:
    """Every model below a folder, or the one that the folder is."""
    if version_folders(root):
        return {root.name: Entry(root.name, root)}
    return {
        path.name: Entry(path.name, path)
        for path in sorted(root.iterdir())
        if _NAME.fullmatch(path.name) and not path.name.startswith(".") and version_folders(path)
    }


def of_file(path: Path, root: Path) -> dict[str, Entry]:
    """The models of a config file.

    Raises:
        ConfigError: it cannot be read, or names something that cannot be served.
    """
    config = messages.ModelServerConfig()
    try:
        text_format.Parse(path.read_text("utf-8"), config)
    except (OSError, ValueError, text_format.ParseError) as error:
        raise ConfigError(f"the model config {path} cannot be read: {error}.") from None
    return of_message(config, root)


def of_message(config: Any, root: Path) -> dict[str, Entry]:
    """The models of a ``ModelServerConfig``.

    Args:
        config: the message.
        root: the folder that every base path must lie in; relative ones begin there.

    Raises:
        ConfigError: a name is there twice or is none, a path leaves the folder, or a policy
            cannot be kept.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise ConfigError("the model config has a custom_model_config; expected model_config_list.")
    entries: dict[str, Entry] = {}
    for model in config.model_config_list.config:
        if not _NAME.fullmatch(model.name):
            raise ConfigError(
                f"the model config names a model {model.name!r}; expected a name without '/', ':'"
                " and spaces."
            )
        if model.name in entries:
            raise ConfigError(f"the model config names the model '{model.name}' twice.")
        if model.model_platform not in ("", "tensorflow"):
            raise ConfigError(
                f"model '{model.name}' has the platform '{model.model_platform}'; expected"
                " 'tensorflow'."
            )
        base = Path(model.base_path) if model.base_path else root / model.name
        base = base if base.is_absolute() else root / base
        if not inside(root, base):
            raise ConfigError(
                f"model '{model.name}' has the base path {base}; expected a folder in {root}."
            )
        entries[model.name] = Entry(model.name, base, _policy(model), dict(model.version_labels))
    return entries


def wanted(entry: Entry) -> Wanted:
    """The versions of a model that its policy asks for, of those that are there.

    Raises:
        ServableError: the list of withdrawn versions cannot be read.
    """
    there = version_folders(entry.base)
    policy = entry.policy
    if policy.kind == "specific":
        chosen = [version for version in policy.versions if version in there]
        return Wanted({version: there[version] for version in chosen}, len(chosen))
    out = withdrawn.read(entry.base)
    newest = {version: there[version] for version in reversed(there) if version not in out}
    return Wanted(newest, len(newest) if policy.kind == "all" else policy.count)


def inside(root: Path, path: Path) -> bool:
    """Whether a path, its links followed, is the folder ``root`` or lies in it."""
    return path.resolve().is_relative_to(root.resolve())


def confined(root: Path, folder: Path) -> None:
    """Check that a version's folder and every file in it lie in ``root``, links followed.

    Raises:
        ServableError: one leads out.
    """
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink() and not inside(root, path):
            raise ServableError(f"{path} is a link that leads out of {root}.")
    if not inside(root, folder):
        raise ServableError(f"{folder} does not lie in {root}.")


def _policy(model: Any) -> Policy:
    asked = model.model_version_policy
    kind = asked.WhichOneof("policy_choice")
    if kind == "all":
        return Policy("all")
    if kind == "specific":
        versions = tuple(dict.fromkeys(asked.specific.versions))
        if not versions:
            raise ConfigError(f"model '{model.name}' asks for specific versions and names none.")
        return Policy("specific", len(versions), versions)
    # In TensorFlow Serving too, 0 versions, which is what an empty message says, means one.
    return Policy("latest", asked.latest.num_versions or 1)
