"""Checks an installation: packages, hardware and what is missing. Works without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core import hardware
from modelwright.core.backend import BACKENDS, keras_backend, load_keras, quiet
from modelwright.core.blocks import Block, Facts
from modelwright.core.errors import MissingDependencyError
from modelwright.core.hardware import Hardware
from modelwright.core.packages import installed, versions
from modelwright.core.report import Report
from modelwright.training.precision import Precision, choose_precision

_OPTIONAL = {
    "tensorflow": "pip install 'modelwright[train]'",
    "keras": "pip install 'modelwright[train]'",
    "matplotlib": "pip install 'modelwright[train]'",
    "tensorboard": "pip install 'modelwright[train]'",
    "zhplot": "pip install 'modelwright[train]' (font for Chinese labels in plots)",
}


@dataclass(frozen=True)
class DoctorReport(Report):
    """The state of an installation. ``missing`` maps each absent package to its install command."""

    versions: dict[str, str]
    backend: str
    hardware: Hardware
    gpu: str | None
    precision: Precision
    missing: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            "versions": self.versions,
            "backend": self.backend,
            "hardware": vars(self.hardware)
            | {"instruction_sets": list(self.hardware.instruction_sets)},
            "gpu": self.gpu,
            "precision": vars(self.precision),
            "missing": self.missing,
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the versions, the hardware and the missing packages."""
        machine = self.hardware
        memory = f"{machine.memory_mib:,} MiB" if machine.memory_mib else "unknown"
        rows: list[tuple[str, object]] = [
            *self.versions.items(),
            ("backend", f"{BACKENDS[self.backend]}, which KERAS_BACKEND can change"),
            ("processor", f"{machine.name}, {memory} of memory"),
            (
                "instruction sets",
                " ".join(machine.instruction_sets) or "none that Modelwright uses",
            ),
            ("GPU", self.gpu or f"none that {BACKENDS[self.backend]} sees"),
            ("precision", f"{self.precision.policy}: {self.precision.reason}"),
            *((f"missing: {name}", how) for name, how in self.missing.items()),
        ]
        if not self.missing:
            rows.append(("missing", "nothing"))
        return (Facts("doctor", rows),)


def examine_installation() -> DoctorReport:
    """Returns a report of the installation and the machine.

    Raises:
        ConfigError: Keras' backend is set to one that Modelwright cannot train with.
    """
    chosen = keras_backend()
    machine = hardware.detect()
    gpu = None
    try:
        load_keras()
        with quiet():
            from modelwright.training import runtime

            gpu = runtime.gpu_details()
    except MissingDependencyError:
        pass  # the report lists it below as missing
    needed = _OPTIONAL | ({"jax": "pip install 'modelwright[jax]'"} if chosen == "jax" else {})
    return DoctorReport(
        versions=versions(),
        backend=chosen,
        hardware=machine,
        gpu=None if gpu is None else str(gpu.get("device_name", "unnamed GPU")),
        precision=choose_precision("auto", machine, gpu, backend=chosen),
        missing={name: how for name, how in needed.items() if installed(name) is None},
    )
