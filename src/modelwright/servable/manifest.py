"""The manifest of a servable: ``modelwright.json``, next to the SavedModel.

NAME/VERSION/
  saved_model.pb variables/ assets/     what TensorFlow Serving loads
  assets.extra/                         its warm-up requests
  onnx/model.onnx                       what ONNX Runtime loads
  litert/METHOD.tflite                  what LiteRT loads, each with recorded answers
  tokenizer.json                        rules of a text model's tokenizer, and texts to test
  tokenizer-vectors.jsonl               an implementation of them
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
from modelwright.core.folders import SERVABLE_RECORD, wrong_folder
from modelwright.core.types import Task

FORMAT = 1
MANIFEST = SERVABLE_RECORD
EXAMPLES = "examples.jsonl"
_NAME = re.compile(r"[a-z][\w-]*")
TOLERANCE = 1e-4
"""The largest difference between the probabilities of two engines with the same inputs."""
INPUT_NAMES: Mapping[Task, str] = {"text": "input_text", "image": "image_bytes"}


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest.

    ``engines`` maps each engine to the figures of its check, ``files`` each file's path to its
    sha256, and ``missing`` each engine that could not be written to the reason. ``tta`` says
    whether the model answers with test-time augmentation. ``tolerance`` is the largest difference
    from a recorded probability, for engines that have no tolerance of their own.
    """

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
        """The name of the only input of the default signature."""
        return INPUT_NAMES[self.task]

    def tolerance_of(self, engine: str) -> float:
        """Returns the largest difference of an engine's probability from the recorded one."""
        return float(self.engines[engine].get("tolerance", self.tolerance))

    def examples_of(self, engine: str) -> str:
        """Returns the file with the rows and answers that were recorded for an engine."""
        return str(self.engines[engine].get("examples", EXAMPLES))


def write_manifest(manifest: Manifest, folder: Path) -> Manifest:
    """Writes a manifest with the checksums of all other files, and returns it."""
    files = sha256_tree(folder, leave_out=(MANIFEST,))
    record = {**asdict(manifest), "files": files}
    write_json(folder / MANIFEST, record)
    return manifest_from_record(record)


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of a version's folder, after it checked every file.

    Raises:
        ServableError: the folder is not a servable, or has a later format; or files have changed,
            are missing or were added.
    """
    path = folder / MANIFEST
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["format"] != FORMAT:
            raise ServableError(
                f"{folder} has servable format {record['format']!r}; this version reads {FORMAT}."
            )
        manifest = manifest_from_record(record)
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


def version_folders(folder: Path) -> dict[int, Path]:
    """Returns the version folders of a model by number, in order, as TensorFlow Serving does."""
    if not folder.is_dir():
        return {}
    found = {
        int(path.name): path
        for path in folder.iterdir()
        if path.is_dir() and path.name.isascii() and path.name.isdigit()
    }
    return dict(sorted(found.items()))


def find_version(path: Path) -> Path:
    """Returns the version folder at a path: the path itself, or the newest version in it.

    Raises:
        ServableError: there is no version.
    """
    if (path / MANIFEST).is_file():
        return path
    folders = version_folders(path)
    if not folders:
        raise ServableError(wrong_folder(path, "servable"))
    return folders[max(folders)]


def manifest_from_record(record: Mapping[str, Any]) -> Manifest:
    """Returns the manifest that a JSON object describes.

    Raises:
        KeyError: a key is missing.
        ValueError: a value is invalid.
    """
    # The first servables had one engine only, and no key for missing ones.
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
