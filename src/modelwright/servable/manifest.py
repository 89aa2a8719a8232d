"""What a servable says of itself: ``modelwright.json`` beside the SavedModel.

NAME/VERSION/
  saved_model.pb variables/ assets/     what TensorFlow Serving loads
  assets.extra/                         warm-up requests for it
  onnx/model.onnx                       what ONNX Runtime loads
  litert/METHOD.tflite                  what LiteRT loads, each with its recorded answers
  tokenizer.json                        of a text model: its rules, and texts to try them on
  tokenizer-vectors.jsonl
  examples.jsonl                        held-out rows with the model's answers
  modelwright.json                      this manifest
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.errors import ServableError
from modelwright.core.files import changed_files, sha256_tree, write_json
from modelwright.core.types import Task

FORMAT = 1
MANIFEST = "modelwright.json"
EXAMPLES = "examples.jsonl"
_NAME = re.compile(r"[a-z][\w-]*")
TOLERANCE = 1e-4
"""How far the arithmetic of two engines may take a probability apart."""
INPUT_NAMES: Mapping[Task, str] = {"text": "input_text", "image": "image_bytes"}


@dataclass(frozen=True)
class Manifest:
    """``engines`` maps each engine to the figures of its check; ``files`` each file's path to its
    sha256; ``missing`` each engine that could not be made to the reason; ``tta`` says whether it
    answers with test-time augmentation; ``tolerance`` is how far a probability may be from the
    recorded one, where the engine does not say otherwise."""

    format: int
    name: str
    version: int
    created: str
    task: Task
    labels: tuple[str, ...]
    shape: tuple[int, ...] | None
    tta: bool
    tolerance: float
    engines: Mapping[str, Mapping[str, Any]]
    config: Mapping[str, Any]
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    versions: Mapping[str, str]
    files: Mapping[str, str]
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def input_name(self) -> str:
        """The name of the default signature's only input."""
        return INPUT_NAMES[self.task]

    def tolerance_of(self, engine: str) -> float:
        """How far a probability of that engine may be from the recorded one."""
        return float(self.engines[engine].get("tolerance", self.tolerance))

    def examples_of(self, engine: str) -> str:
        """The file with the rows and answers that were recorded for that engine."""
        return str(self.engines[engine].get("examples", EXAMPLES))


def write(manifest: Manifest, folder: Path) -> Manifest:
    """Write a manifest with the checksums of every other file in the folder."""
    files = sha256_tree(folder, leave_out=(MANIFEST,))
    record = {**asdict(manifest), "files": files}
    write_json(folder / MANIFEST, record)
    return from_record(record)


def read(folder: Path) -> Manifest:
    """Read and check a servable's manifest and every file it lists.

    Raises:
        ServableError: not a servable, of a later format, or with files that changed, are
            missing or were added.
    """
    path = folder / MANIFEST
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["format"] != FORMAT:
            raise ServableError(
                f"{folder} has servable format {record['format']!r}; this version reads {FORMAT}."
            )
        manifest = from_record(record)
        problems = changed_files(folder, manifest.files)
        recorded = {manifest.examples_of(name) for name in manifest.engines}
        problems += [f"{name} is not listed" for name in recorded - manifest.files.keys()]
    except FileNotFoundError:
        raise ServableError(
            f"{folder} is not a servable: {MANIFEST} is missing; expected a folder that"
            " 'modelwright export' made."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServableError(
            f"the manifest {path} cannot be read: {type(error).__name__} {error}."
        ) from None
    known = {*manifest.files, MANIFEST}
    for found in sorted(folder.rglob("*")):
        name = found.relative_to(folder).as_posix()
        if not found.is_dir() and name not in known:
            problems.append(f"{name} was added")
    if problems:
        raise ServableError(f"{folder} is not as it was exported: {'; '.join(problems)}.")
    return manifest


def versions(folder: Path) -> dict[int, Path]:
    """The version folders of a model, as TensorFlow Serving finds them, in order."""
    if not folder.is_dir():
        return {}
    found = {
        int(path.name): path
        for path in folder.iterdir()
        if path.is_dir() and path.name.isascii() and path.name.isdigit()
    }
    return dict(sorted(found.items()))


def find(path: Path) -> Path:
    """The version folder that a path means: itself, or the newest version in it.

    Raises:
        ServableError: there is none.
    """
    if (path / MANIFEST).is_file():
        return path
    there = versions(path)
    if not there:
        what = "holds no version" if path.is_dir() else "does not exist"
        raise ServableError(
            f"{path} {what}; expected a model folder or one of its versions, made by 'modelwright"
            " export'."
        )
    return there[max(there)]


def from_record(record: Mapping[str, Any]) -> Manifest:
    """A manifest from its JSON.

    Raises:
        KeyError: a key is missing.
        ValueError: it says something that no servable can be.
    """
    # Servables of before there was more than one engine do not say which are missing.
    values = {key: record[key] for key in Manifest.__dataclass_fields__ if key != "missing"}
    values["missing"] = record.get("missing", {})
    values["labels"] = tuple(values["labels"])
    values["shape"] = tuple(map(int, values["shape"])) if values["shape"] else None
    engines = values["engines"]
    if not engines or not all(_NAME.fullmatch(name) for name in engines):
        raise ValueError(f"engines {list(engines)}")
    if values["task"] not in INPUT_NAMES or len(values["labels"]) < 2:
        raise ValueError(f"task {values['task']!r} with {len(values['labels'])} labels")
    return Manifest(**values)
