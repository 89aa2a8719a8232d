"""Which models a server serves: their folders, version policies and labels.

The config file has TensorFlow Serving's text format
(https://www.tensorflow.org/tfx/serving/serving_config). Without one, ``models_folder.py`` finds the
models. This module loads no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from modelwright.core.errors import ConfigError
from modelwright.servable.live_version import LATEST, VersionPolicy, VersionSelection
from modelwright.servable.manifest import version_folders
from modelwright.servable.withdrawn import read_withdrawn
from modelwright.serve.config import MODEL_NAME
from modelwright.serve.lifecycle.links import is_inside
from modelwright.wire import messages


@dataclass(frozen=True)
class ModelEntry:
    """One model to serve: its name, its folder, its version policy and its labels."""

    name: str
    base: Path
    policy: VersionPolicy = LATEST
    labels: Mapping[str, int] = field(default_factory=dict)


def models_in_file(path: Path, root: Path, links: Sequence[Path] = ()) -> dict[str, ModelEntry]:
    """Returns the models of a config file; the arguments are those of ``models_in_message``.

    Raises:
        ConfigError: the file cannot be read, or a model in it cannot be served.
    """
    config = messages.ModelServerConfig()
    try:
        text_format.Parse(path.read_text("utf-8"), config)
    except (OSError, ValueError, text_format.ParseError) as error:
        problem = str(error).rstrip(".")
        raise ConfigError(f"the model config {path} cannot be read: {problem}.") from None
    return models_in_message(config, root, links)


def models_in_message(config: Any, root: Path, links: Sequence[Path] = ()) -> dict[str, ModelEntry]:
    """Returns the models of a ``ModelServerConfig`` message.

    Args:
        config: the message.
        root: the folder that holds every base path; relative paths start here.
        links: further folders that base paths may lie in, links followed.

    Raises:
        ConfigError: a duplicate or invalid model name, a path outside ``root``, or a policy
            without versions.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise ConfigError("the model config has a custom_model_config; expected model_config_list.")
    entries: dict[str, ModelEntry] = {}
    for model in config.model_config_list.config:
        if not MODEL_NAME.fullmatch(model.name):
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
        if not is_inside((root, *links), base):
            raise ConfigError(
                f"model '{model.name}' has the base path {base}; expected a folder in {root}, or"
                " in one that --allow-links-to names."
            )
        labels = dict(model.version_labels)
        entries[model.name] = ModelEntry(model.name, base, _policy(model), labels)
    return entries


def select_versions(entry: ModelEntry) -> tuple[Mapping[int, Path], VersionSelection]:
    """Returns the version folders of a model, and the selection of those to serve.

    Raises:
        ServableError: the list of withdrawn versions cannot be read.
    """
    folders = version_folders(entry.base)
    # A list of versions in the config overrules a rollback, even one that cannot be read.
    withdrawn = frozenset() if entry.policy.kind == "specific" else read_withdrawn(entry.base)
    return folders, VersionSelection(folders, withdrawn, entry.policy)


def _policy(model: Any) -> VersionPolicy:
    policy = model.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy("all")
    if kind == "specific":
        versions = tuple(dict.fromkeys(policy.specific.versions))
        if not versions:
            raise ConfigError(f"model '{model.name}' asks for specific versions and names none.")
        return VersionPolicy("specific", versions=versions)
    # TensorFlow Serving too reads 0 versions, which is what an empty message holds, as one.
    return VersionPolicy("latest", policy.latest.num_versions or 1)
