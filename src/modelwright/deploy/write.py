"""Writes the files that serve a models folder elsewhere. Starts, copies and sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.report import Report
from modelwright.deploy.compose import compose_files
from modelwright.deploy.kserve import kserve_files
from modelwright.deploy.kubernetes import kubernetes_files, kubernetes_notes, start_argument
from modelwright.deploy.models import DeployableModel, find_models, with_manifest
from modelwright.deploy.options import MODELWRIGHT, DeployOptions, check_deploy_options
from modelwright.deploy.ray_serve import ray_files
from modelwright.deploy.tensorflow_serving import tensorflow_serving_notes
from modelwright.deploy.written_files import DeployRecord

TARGETS = {
    "compose": "docker compose --file {out}/compose.yaml up",
    "kubernetes": "kubectl apply {argument}",
    "kserve": "kubectl apply -f {out}/kserve.yaml",
    "ray": "serve run --working-dir {out} {out}/serve_config.yaml",
}
"""Each target, and the command that starts the deployment."""

_READ_BY = {
    "server": ("kubernetes", "kserve"),
    "keys_secret": ("kubernetes", "kserve"),
    "format": ("kubernetes",),
    "service_monitor": ("kubernetes",),
}
"""The targets that read an option, of those that not all read."""


@dataclass(frozen=True)
class DeployReport(Report):
    """The written files, the models that they serve, and how to start them."""

    target: str
    out: Path
    models: dict[str, int]
    """The version of each model that its server will answer with."""
    files: tuple[str, ...]
    notes: tuple[str, ...]
    start: str
    """The command that starts the deployment."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {**vars(self), "out": str(self.out)}

    def blocks(self) -> Sequence[Block]:
        """Returns one table of the fields."""
        rows: list[tuple[str, object]] = [
            ("models", ", ".join(f"{name} ({number})" for name, number in self.models.items())),
            ("files", ", ".join(self.files)),
            *(("note", note) for note in self.notes),
            ("start it with", self.start),
        ]
        return [Facts(f"{self.target} in {self.out}", rows)]


def deploy(
    target: str, models: Path, out: Path, *, options: DeployOptions | None = None
) -> DeployReport:
    """Writes the files of a target into a folder.

    Args:
        target: a key of ``TARGETS``.
        models: a folder of NAME/VERSION/ servables, or of SavedModels from elsewhere.
        out: the folder to write to; it may hold files of other targets and other files.
        options: the defaults if None.

    Raises:
        ConfigError: the target is unknown, an option or a name is invalid, or a file in ``out``
            is not from an earlier call.
        ServableError: the folder holds no model, or a model is damaged.
    """
    if target not in TARGETS:
        raise ConfigError(
            f"there is no target '{target}'.{nearest(target, TARGETS)} Expected one of:"
            f" {', '.join(TARGETS)}."
        )
    checked = check_deploy_options(options or DeployOptions())
    _check_used(target, checked)
    own = target == "ray" or checked.server == MODELWRIGHT  # Modelwright's code loads the models
    found, notes = find_models(models, obeys_rollback=own)
    if own:
        found, left_out = with_manifest(found, models)
        notes = [*notes, *left_out]
    contents, target_notes = _contents(target, found, models, out, checked)
    record = DeployRecord.read_folder(out)
    problems = record.conflicts(contents)
    if problems and not checked.force:
        raise ConfigError(
            f"{out} is not written to: {'; '.join(problems)}. Choose another folder, or replace"
            " what is there with --force."
        )
    record.write_files(contents)
    return DeployReport(
        target,
        out,
        {model.name: model.version for model in found},
        tuple(contents),
        (*notes, *target_notes),
        TARGETS[target].format(out=out, argument=start_argument(checked).format(out=out)),
    )


def _check_used(target: str, options: DeployOptions) -> None:
    """Checks that the target reads the options that only some targets read."""
    defaults = DeployOptions()
    for name, targets in _READ_BY.items():
        if target not in targets and getattr(options, name) != getattr(defaults, name):
            hint = "; it writes both servers" if (target, name) == ("compose", "server") else ""
            raise ConfigError(
                f"--{name.replace('_', '-')} has no effect on the target '{target}'{hint}; expected"
                f" it with {' or '.join(targets)}."
            )


def _contents(
    target: str, found: list[DeployableModel], models: Path, out: Path, options: DeployOptions
) -> tuple[dict[str, str], list[str]]:
    """Returns the content of each file of a target, and notes for the user."""
    if target == "compose":
        return compose_files(found, models, out, options), tensorflow_serving_notes(found)
    if target == "kubernetes":
        notes = [*kubernetes_notes(options), *tensorflow_serving_notes(found)]
        return kubernetes_files(found, options), notes
    if target == "kserve":
        return kserve_files(found, options)
    return ray_files(found, models, options), []
