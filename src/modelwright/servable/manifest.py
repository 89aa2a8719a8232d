"""The manifest of a servable: ``modelwright.json``, next to the SavedModel.

NAME/VERSION/
  saved_model.pb variables/ assets/     what TensorFlow Serving loads
  assets.extra/                         its warm-up requests
  onnx/model.onnx                       what ONNX Runtime loads
  litert/METHOD.tflite                  what LiteRT loads, each with recorded answers
  tokenizer.json                        rules of a text model's tokenizer, and texts to test
  tokenizer-vectors.jsonl               an implementation of them
  examples.jsonl                        held-out rows with the model's answers
  reference.json                        counts that new rows are compared with
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
from modelwright.servable.litter import is_litter
from modelwright.servable.live_version import LARGEST_VERSION, live_version, version_number
from modelwright.servable.withdrawn import read_withdrawn

FORMAT = 1
MANIFEST = SERVABLE_RECORD
EXAMPLES = "examples.jsonl"
_NAME = re.compile(r"[a-z][\w-]*")
_LIKE_A_NUMBER = re.compile(r"\s*[+\-−－＋]?\d+\s*")
TOLERANCE = 1e-4
"""The largest difference between the probabilities of two engines with the same inputs."""
INPUT_NAMES: Mapping[Task, str] = {"text": "input_text", "image": "image_bytes"}


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest.

    ``engines`` maps each engine to the figures of its check, ``files`` each file's path to its
    sha256, and ``missing`` each engine that could not be written to the reason. ``tta`` says
    whether the model answers with test-time augmentation. ``tolerance`` is the largest difference
    from a recorded probability, for engines that have no tolerance of their own. ``decoding`` says
    which formats of images the model reads, and whether it turns them by their EXIF orientation.
    It is empty for texts, and for images in servables of versions that turned none. ``backbone``
    has name, sha256 and license of the pretrained weights, if the training began with some.
    ``lineage`` says how an update made the version: its parent, strategy, seed, settings,
    fingerprints and the figures of the gate. It is empty for a version that was trained.
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
    decoding: Mapping[str, Any] = field(default_factory=dict)
    backbone: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def orients(self) -> bool:
        """Whether images are turned as their EXIF orientation says."""
        return bool(self.decoding.get("orientation", False))

    @property
    def reading(self) -> Mapping[str, Any]:
        """The table ``data`` by which users' rows are read: that of the first training.

        The own data of an update's version is a file with columns that no user has.
        """
        config = self.config if isinstance(self.config, Mapping) else {}
        found = self.lineage.get("reading") or config.get("data")
        return found if isinstance(found, Mapping) else {}

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
    """Writes a manifest with the checksums of all other files, and returns it.

    Files that a computer left in the folder by itself are not listed.
    """
    files = {
        name: digest
        for name, digest in sha256_tree(folder, leave_out=(MANIFEST,)).items()
        if not is_litter(name)
    }
    record = {**asdict(manifest), "files": files}
    write_json(folder / MANIFEST, record)
    return manifest_from_record(record)


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of a version's folder, after it checked every file.

    Raises:
        ServableError: the folder is not a servable, or has a later format; or files have changed,
            are missing or were added. Litter such as ``.DS_Store`` may be added and removed.
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
        if not found.is_dir() and name not in known and not is_litter(name):
            problems.append(f"{name} was added")
    if problems:
        raise ServableError(f"{folder} is not as it was exported: {'; '.join(problems)}.")
    return manifest


def version_folders(folder: Path) -> dict[int, Path]:
    """Returns the version folders of a model by number, in order, as TensorFlow Serving does.

    Of ``7`` and ``007`` the shorter name is the version.
    """
    if not folder.is_dir():
        return {}
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: len(path.name)):
        number = version_number(path.name)
        if number is not None and number not in found and path.is_dir():
            found[number] = path
    return dict(sorted(found.items()))


def ignored_folders(model: Path) -> dict[str, str]:
    """Returns why each folder of a model is no version although its name looks like a number."""
    if not model.is_dir():
        return {}
    versions = version_folders(model)
    names = sorted(path.name for path in model.iterdir() if path.is_dir())
    reasons = {name: _ignored(name, versions) for name in names if _LIKE_A_NUMBER.fullmatch(name)}
    return {name: reason for name, reason in reasons.items() if reason}


def find_version(path: Path) -> Path:
    """Returns the version folder at a path: the path itself, or the live version of a model.

    That is the newest one which is not withdrawn.

    Raises:
        ServableError: there is no version, or all of them are withdrawn.
    """
    if (path / MANIFEST).is_file():
        return path
    folders = version_folders(path)
    if not folders:
        message = wrong_folder(path, "servable")
        if ignored := ignored_folders(path):
            message += f" Ignored: {'; '.join(f'{name}: {why}' for name, why in ignored.items())}."
        raise ServableError(message)
    live = live_version(folders, read_withdrawn(path))
    if live is None:
        raise ServableError(
            f"all versions of {path} are withdrawn; name the one that you want, such as"
            f" {folders[max(folders)]}."
        )
    return folders[live]


def manifest_from_record(record: Mapping[str, Any]) -> Manifest:
    """Returns the manifest that a JSON object describes.

    Raises:
        KeyError: a key is missing.
        ValueError: a value is invalid.
    """
    # The first servables had one engine only, and none of these keys.
    later = ("missing", "decoding", "backbone", "lineage")
    values = {key: record[key] for key in Manifest.__dataclass_fields__ if key not in later}
    values |= {key: record.get(key, {}) for key in later}
    values["labels"] = tuple(values["labels"])
    values["shape"] = tuple(map(int, values["shape"])) if values["shape"] else None
    engines = values["engines"]
    if not engines or not all(_NAME.fullmatch(name) for name in engines):
        raise ValueError(f"engines {list(engines)}")
    if values["task"] not in INPUT_NAMES or len(values["labels"]) < 2:
        raise ValueError(f"task {values['task']!r} with {len(values['labels'])} labels")
    return Manifest(**values)


def _ignored(name: str, versions: dict[int, Path]) -> str | None:
    number = version_number(name)
    if number is not None:
        taken = versions[number].name
        return f"'{taken}' is the same version" if taken != name else None
    if name.isascii() and name.isdigit():
        return f"a version is at most {LARGEST_VERSION}"
    return "a version's name has only the digits 0 to 9"
