"""Teachers: a run, a servable, a sentence encoder, or a function that scores texts or images.

A teacher is only asked for scores. What its scores mean is decided in ``outputs.py``.
"""

from __future__ import annotations

import hashlib
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from modelwright.core.config import Config, DataConfig
from modelwright.core.errors import ConfigError, ModelwrightError, brief
from modelwright.core.files import sha256_file
from modelwright.core.folders import RUN_RECORD, is_run, kind_of
from modelwright.core.types import IntArray, Task, UInt8Array
from modelwright.distillation.encoder import EncoderOptions, open_encoder
from modelwright.distillation.encoder_folder import is_encoder
from modelwright.models.custom import load_function
from modelwright.runs.run import WEIGHTS, load_run
from modelwright.servable.manifest import MANIFEST, Manifest, find_version, read_manifest
from modelwright.servable.predictor import open_predictor
from modelwright.servable.restore import restore_network
from modelwright.training.network_classifier import NetworkClassifier

Kind = Literal["run", "servable", "encoder", "function"]
TextFunction = Callable[[Any], Any]
"""Texts, or uint8 images ``[n, h, w, c]``, in; class probabilities ``[n, classes]``, or vectors of
texts ``[n, d]``, out."""
_LARGE_BATCH = 1024


@dataclass(frozen=True)
class Teacher:
    """A scorer of texts or images.

    Attributes:
        name: how the user named it, for reports.
        kind: what it is.
        identity: changes with the teacher; the key of its stored scores.
        score: the scores of texts, or of an array of images, one row for each.
        labels: its classes, in the order of its columns; None if it has none.
        config: the settings that it was trained with; None if it records none.
        data: the record of the data that it was trained on.
        place: its folder; None for a function.
        batch: the number of texts that it gets at once.
        encoder: how a sentence encoder is used, by name; None for others.
        notes: what was chosen for it, and how to choose otherwise.
        task: what it classifies; None for a function, which takes what the data holds.
        parameters: the number of its weights; None where that is not known.
        size: bytes of its weights or files; None where that is not known.
        shape: the shape of the images that it takes; None for texts and functions.
        answer_one: what its latency is measured with; ``score`` by default.
    """

    name: str
    kind: Kind
    identity: str
    score: TextFunction
    labels: tuple[str, ...] | None = None
    config: Config | None = None
    data: Any = None
    place: Path | None = None
    batch: int = 64
    encoder: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    task: Task | None = "text"
    parameters: int | None = None
    size: int | None = None
    shape: tuple[int, ...] | None = None
    answer_one: Callable[[Any], Any] | None = None

    @property
    def data_config(self) -> DataConfig | None:
        """The data that it was trained on, if it records it."""
        return self.config.data if self.config else None


def open_teacher(
    source: Path | str | TextFunction,
    options: EncoderOptions | None = None,
    task: Task | None = None,
) -> Teacher:
    """Opens a teacher.

    Args:
        source: the folder of a run, of a servable or of a sentence encoder, an encoder's ONNX
            file, ``package.module:function``, or a function.
        options: how a sentence encoder is used.
        task: what it must classify; anything by default.

    Raises:
        ConfigError: it is nothing of these, classifies something else, or cannot be used.
        RunError: the run cannot be used.
        ServableError: the servable cannot be used.
        MissingDependencyError: it needs a package that is not installed.
    """
    teacher = _open(source, options or EncoderOptions(), task)
    if teacher.kind != "encoder":
        given = {"prefix": options.prefix, "pooling": options.pooling} if options else {}
        for name, value in given.items():
            if value is not None:
                raise ConfigError(
                    f"--{name} was given {value!r}, but the teacher {teacher.name} is a"
                    f" {teacher.kind}; expected a sentence encoder. Leave it out."
                )
    return teacher


def _open(source: Path | str | TextFunction, options: EncoderOptions, task: Task | None) -> Teacher:
    if callable(source):
        module, name = getattr(source, "__module__", ""), getattr(source, "__qualname__", "")
        return _function_teacher(f"{module}:{name or type(source).__name__}", source)
    path = Path(source)
    if not path.exists() and ":" in str(source):
        name = str(source)
        return _function_teacher(name, load_function(name, "teacher"))
    if path.is_dir() and is_run(path):
        return _run_teacher(path, task)
    if kind_of(path) in ("model", "version"):
        return _servable_teacher(path, task)
    if is_encoder(path):
        _check_task(path, "text", task)
        return _encoder_teacher(path, options)
    found = {"nothing": "does not exist", "file": "is a file"}.get(
        kind_of(path), "is neither a run nor a servable nor a sentence encoder"
    )
    raise ConfigError(
        f"the teacher {source} {found}; expected a run folder, models/NAME or models/NAME/VERSION,"
        " the folder of a sentence encoder with model.onnx and tokenizer.json, or a function as"
        " package.module:function that takes texts."
    )


def _run_teacher(path: Path, task: Task | None) -> Teacher:
    run = load_run(path)
    _check_task(path, run.task, task)
    network = run.network()
    classifier = NetworkClassifier(network, run.tokenizer())
    text, tokenizer = run.task == "text", run.tokenizer()

    def answer_one(rows: Any) -> Any:
        return network.predict_on_batch(tokenizer.encode(rows) if tokenizer else rows)

    return Teacher(
        name=str(path),
        kind="run",
        identity=_identity(*(sha256_file(path / file) for file in (WEIGHTS, RUN_RECORD))),
        score=lambda rows: classifier.classify_rows(_Listed(rows) if text else _Images(rows)),
        labels=run.labels,
        config=run.config,
        data=run.data,
        place=path,
        batch=_LARGE_BATCH,
        task=run.task,
        parameters=network.count_params(),
        size=(path / WEIGHTS).stat().st_size,
        shape=run.shape,
        answer_one=answer_one,
    )


def _servable_teacher(path: Path, task: Task | None) -> Teacher:
    folder = find_version(path)
    manifest = read_manifest(folder)
    _check_task(path, manifest.task, task)
    if manifest.task == "image":
        return _image_servable(path, folder, manifest)
    predictor = open_predictor(folder, manifest, "auto")
    return Teacher(
        name=str(path),
        kind="servable",
        identity=_identity(sha256_file(folder / MANIFEST), predictor.name),
        score=predictor.engine.probabilities,
        labels=manifest.labels,
        config=_config(manifest),
        data=manifest.data,
        place=folder,
        batch=_LARGE_BATCH,
        size=_folder_size(folder),
    )


def _image_servable(path: Path, folder: Path, manifest: Manifest) -> Teacher:
    """Returns the network of a servable, which takes images as they are, without decoding."""
    network = restore_network(folder, replace(manifest, tta=False))
    classifier = NetworkClassifier(network)
    notes = ("the teacher answers without test-time augmentation",) if manifest.tta else ()
    return Teacher(
        name=str(path),
        kind="servable",
        identity=_identity(sha256_file(folder / MANIFEST), "network"),
        score=lambda images: classifier.classify_rows(_Images(images)),
        labels=manifest.labels,
        config=_config(manifest),
        data=manifest.data,
        place=folder,
        batch=_LARGE_BATCH,
        notes=notes,
        task="image",
        parameters=network.count_params(),
        size=_folder_size(folder),
        shape=manifest.shape,
        answer_one=network.predict_on_batch,
    )


def _encoder_teacher(path: Path, options: EncoderOptions) -> Teacher:
    encoder = open_encoder(path, options)
    return Teacher(
        name=str(path),
        kind="encoder",
        identity=_identity(*encoder.identity),
        score=encoder.score,
        place=path,
        encoder=encoder.facts,
        notes=encoder.notes,
    )


def _function_teacher(name: str, function: TextFunction) -> Teacher:
    try:
        file = inspect.getsourcefile(inspect.unwrap(function))
        source = sha256_file(Path(file)) if file else ""
    except (TypeError, OSError):
        source = ""

    def score(texts: Any) -> Any:
        try:
            return function(texts)
        except ModelwrightError:
            raise
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[1:]
            what, given = "texts", "a list of str"
            if isinstance(texts, np.ndarray):
                what, given = "images", f"uint8 images of the shape {texts.shape}"
            where = f" at {Path(frames[0].filename).name}:{frames[0].lineno}" if frames else ""
            raise ConfigError(
                f"the teacher '{name}' failed on {len(texts)} {what} with"
                f" {type(error).__name__}{where}: {brief(error)}. It is called with {given}"
                " and must return one row of numbers for each; what it scored before is kept."
            ) from error

    return Teacher(name, "function", _identity(name, source), score, task=None)


@dataclass(frozen=True)
class _Listed:
    """Texts of a list, as the rows of a split."""

    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: IntArray) -> list[str]:
        return [self.texts[int(index)] for index in np.asarray(indices)]

    def raw(self, index: int) -> str:
        return self.texts[index]

    def origin(self, index: int) -> str:
        return f"text {index + 1}"


@dataclass(frozen=True)
class _Images:
    """Images of an array, as the rows of a split."""

    images: UInt8Array

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: IntArray) -> UInt8Array:
        return self.images[np.asarray(indices)]

    def raw(self, index: int) -> str:
        return f"image {index + 1}"

    def origin(self, index: int) -> str:
        return f"image {index + 1}"


def _check_task(path: Path, task: Task, wanted: Task | None) -> None:
    if wanted not in (None, task):
        raise ConfigError(
            f"the teacher {path} classifies {task}s; expected one that classifies {wanted}s, which"
            " the data holds."
        )


def _config(manifest: Manifest) -> Config | None:
    try:
        return Config.model_validate(manifest.config)
    except ValueError:
        return None


def _folder_size(folder: Path) -> int:
    """Returns the bytes of a servable's graph and weights."""
    files = [folder / "saved_model.pb", *(folder / "variables").glob("*")]
    return sum(file.stat().st_size for file in files if file.is_file())


def _identity(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
