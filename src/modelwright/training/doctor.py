"""What is installed, what the machine can do, and what is missing. Works without TensorFlow."""

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
    "zhplot": "pip install 'modelwright[train]' (the font of Chinese labels in plots)",
}


@dataclass(frozen=True)
class DoctorReport(Report):
    """The state of an installation; ``missing`` maps each absent package to how to get it."""

    versions: dict[str, str]
    backend: str
    hardware: Hardware
    gpu: str | None
    precision: Precision
    missing: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
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
        """Versions, the machine and what is missing."""
        machine = self.hardware
        memory = f"{machine.memory_mib:,} MiB" if machine.memory_mib else "unknown"
        rows: list[tuple[str, object]] = [
            *self.versions.items(),
            ("backend", f"{BACKENDS[self.backend]}, which KERAS_BACKEND can change"),
            ("processor", f"{machine.name}, {memory} of memory"),
            ("instruction sets", " ".join(machine.instruction_sets) or "none that matter here"),
            ("GPU", self.gpu or f"none that {BACKENDS[self.backend]} sees"),
            ("precision", f"{self.precision.policy}: {self.precision.reason}"),
            *((f"missing: {name}", how) for name, how in self.missing.items()),
        ]
        if not self.missing:
            rows.append(("missing", "nothing"))
        return (Facts("doctor", rows),)


def examine() -> DoctorReport:
    """Look at the installation and the machine.

    Raises:
        ConfigError: Keras' backend is set to one that trains nothing here.
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
        pass  # said below, with the rest of what is missing
    needed = _OPTIONAL | ({"jax": "pip install 'modelwright[jax]'"} if chosen == "jax" else {})
    return DoctorReport(
        versions=versions(),
        backend=chosen,
        hardware=machine,
        gpu=None if gpu is None else str(gpu.get("device_name", "one without a name")),
        precision=choose_precision("auto", machine, gpu, backend=chosen),
        missing={name: how for name, how in needed.items() if installed(name) is None},
    )
