"""Conversion of a servable's network to files of other engines, in a child process.

A converter may crash its process, so none runs in the process that needs the file. As a program,
``python -m modelwright.exporting.conversion FOLDER INTO SAMPLES TARGETS`` rebuilds the network of
the servable in FOLDER. For each target of TARGETS, a JSON list, it writes INTO/NAME or, where the
conversion fails, INTO/NAME.reason. SAMPLES is an ``.npy`` with rows as the network reads them, or
empty.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.child_process import keras_environment, main_of_child, run_child
from modelwright.core.errors import ConfigError, brief
from modelwright.core.files import write_bytes
from modelwright.exporting.description import describe_model
from modelwright.servable.engines.registry import engine_kind
from modelwright.servable.manifest import Manifest, read_manifest


@dataclass(frozen=True)
class ConversionTarget:
    """One file to write."""

    name: str
    """Its file name."""
    engine: str
    """The kind of the engine that loads it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the engine's converter."""
    variables: str | None = None
    """An ``.npz`` with values for the network's variables, instead of those in the servable."""


def convert_servable(
    folder: Path,
    targets: Sequence[ConversionTarget],
    into: Path,
    *,
    samples: Path | None = None,
) -> dict[str, str]:
    """Writes a file for each target. Returns the reason for each that cannot be written.

    Args:
        folder: a version's folder with its SavedModel and manifest.
        targets: the files.
        into: an existing folder.
        samples: rows for the converters that measure the ranges of values.
    """
    reasons: dict[str, str] = {}
    left = list(targets)
    while left:
        records = json.dumps([asdict(target) for target in left])
        problem = run_child(
            __name__,
            [str(folder), str(into), str(samples or ""), records],
            into / left[-1].name,
            environment=keras_environment(),
        )
        # One process converts all targets. Where one crashes it, another process does the rest.
        while left and ((into / left[0].name).exists() or _reason_file(into, left[0]).exists()):
            target = left.pop(0)
            if (file := _reason_file(into, target)).exists():
                reasons[target.name] = file.read_text("utf-8")
        if left:
            reasons[left.pop(0).name] = problem or "nothing was written"
    return reasons


def convert_network(
    folder: Path, manifest: Manifest, target: ConversionTarget, samples: Path | None = None
) -> bytes:
    """Returns the content of a target's file.

    Args:
        folder: a version's folder.
        manifest: its manifest.
        target: the file.
        samples: rows for the converters that measure the ranges of values.

    Raises:
        ConfigError: no converter writes files of that engine.
    """
    from modelwright.servable.restore import restore_network

    kind = engine_kind(target.engine)
    if kind.convert is None:
        raise ConfigError(f"no converter writes files of the engine '{kind.name}'.")
    variables = Path(target.variables) if target.variables else None
    network = restore_network(folder, manifest, unpadded=kind.unpadded, variables=variables)
    content = kind.convert(network, target.settings, samples)
    any_length = network.input_shape[1:] == (None,)
    description = describe_model(folder, manifest, any_length=any_length)
    return kind.annotate(content, description) if kind.annotate else content


def _reason_file(into: Path, target: ConversionTarget) -> Path:
    return into / f"{target.name}.reason"


def _convert(arguments: list[str]) -> None:
    """Writes all files, in the child process."""
    folder, into, samples, records = arguments
    manifest = read_manifest(Path(folder))
    for target in [ConversionTarget(**record) for record in json.loads(records)]:
        try:
            content = convert_network(
                Path(folder), manifest, target, Path(samples) if samples else None
            )
        except Exception as error:  # noqa: BLE001 - a converter may raise anything
            _reason_file(Path(into), target).write_text(brief(error), "utf-8")
        else:
            write_bytes(Path(into, target.name), content)


if __name__ == "__main__":
    sys.exit(main_of_child(_convert, sys.argv[1:], keras=True))
