"""Write the files that serve a models folder elsewhere. Nothing is started, copied or sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.terminal import table
from modelwright.deploy import compose, kserve, kubernetes, ray_serve, tensorflow_serving
from modelwright.deploy.models import Model, scan
from modelwright.deploy.options import DeployOptions, check
from modelwright.deploy.written_files import Record

TARGETS = {
    "compose": "docker compose --file {out}/compose.yaml up",
    "kubernetes": "kubectl apply -f {out}/kubernetes.yaml",
    "kserve": "kubectl apply -f {out}/kserve.yaml",
    "ray": "serve run --working-dir {out} {out}/serve_config.yaml",
}
"""Each target, and the command that starts what was written for it."""


@dataclass(frozen=True)
class DeployReport:
    """The files that were written, the models in them, and what to do with both."""

    target: str
    out: Path
    models: dict[str, int]
    """Each model's newest version."""
    files: tuple[str, ...]
    notes: tuple[str, ...]
    start: str
    """The command that starts it."""

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**vars(self), "out": str(self.out)}

    def render(self) -> str:
        """For a person."""
        rows: list[tuple[str, object]] = [
            ("models", ", ".join(f"{name} ({number})" for name, number in self.models.items())),
            ("files", ", ".join(self.files)),
            *(("note", note) for note in self.notes),
            ("start it with", self.start),
        ]
        return table((f"{self.target} in {self.out}", ""), rows)


def deploy(
    target: str, models: Path, out: Path, *, options: DeployOptions | None = None
) -> DeployReport:
    """Write the files of a target into a folder.

    Args:
        target: a key of ``TARGETS``.
        models: a folder of NAME/VERSION/ servables, or SavedModels that were made elsewhere.
        out: where to; it may hold the files of another target, and files of your own.
        options: what is to be other than usual.

    Raises:
        ConfigError: an unknown target, an option or a name that cannot be used, or a file in
            ``out`` that is not a deployment's.
        ServableError: there is no model, or one is not as it was exported.
    """
    if target not in TARGETS:
        raise ConfigError(
            f"there is no target '{target}'.{nearest(target, TARGETS)} Expected one of:"
            f" {', '.join(TARGETS)}."
        )
    chosen = check(options or DeployOptions())
    found, notes = scan(models)
    contents, more = _contents(target, found, models, out, chosen)
    record = Record.read(out)
    problems = record.foreign(contents)
    if problems and not chosen.force:
        raise ConfigError(
            f"{out} is not written to: {'; '.join(problems)}. Choose another folder, or replace"
            " what is there with --force."
        )
    record.write(contents)
    served = {model.name: model.version for model in found if target != "ray" or model.own}
    return DeployReport(
        target, out, served, tuple(contents), (*notes, *more), TARGETS[target].format(out=out)
    )


def _contents(
    target: str, found: list[Model], models: Path, out: Path, chosen: DeployOptions
) -> tuple[dict[str, str], list[str]]:
    if target == "compose":
        return compose.files(found, models, out, chosen), tensorflow_serving.notes(found)
    if target == "kubernetes":
        return kubernetes.files(found, chosen), [
            *kubernetes.notes(chosen),
            *tensorflow_serving.notes(found),
        ]
    if target == "kserve":
        return kserve.files(found, chosen)
    return ray_serve.files(found, models, chosen)
