"""The run folder: its files, its record and its network.

config.toml          the resolved config
run.json             status, data, versions, metrics, sha256 of the files
vocabulary.txt       text models only: one token on each line
weights.weights.h5   the best weights
checkpoint.npz       the state to resume from, until the training has finished
history.csv          one line for each epoch
rejected.csv         the rejected rows and the reasons, if there are any
exports.json         where the run was exported, if it was
plots/ tensorboard/ evaluations/
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.backend import keras_backend
from modelwright.core.config import (
    Config,
    DataConfig,
    ModelConfig,
    check_table,
    from_toml,
    to_toml,
)
from modelwright.core.errors import ModelwrightError, RunError
from modelwright.core.files import changed_files, sha256_file, write_json, write_text
from modelwright.core.folders import RUN_RECORD, is_run, wrong_folder
from modelwright.core.packages import versions
from modelwright.core.types import Dataset, ImageShape, Task
from modelwright.models.builders import augment_network, build_network, check_options
from modelwright.runs.data_places import record_places

if TYPE_CHECKING:
    import keras

    from modelwright.models.graph_tokenizer import GraphTokenizer

FORMAT = 1
WEIGHTS = "weights.weights.h5"
VOCABULARY = "vocabulary.txt"
CHECKPOINT = "checkpoint.npz"
_SEALED = ("config.toml", VOCABULARY, WEIGHTS)


@dataclass(frozen=True)
class Run:
    """A run folder and its record, ``run.json``. ``update`` returns a changed copy and saves it."""

    path: Path
    config: Config
    task: Task
    labels: tuple[str, ...]
    shape: ImageShape | None
    data: Mapping[str, Any]
    status: str = "running"
    backend: str = field(default_factory=keras_backend)
    versions: Mapping[str, str] = field(default_factory=versions)
    precision: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    """Options of the network that the training chose from its data, over those of the config."""
    backbone: Mapping[str, Any] = field(default_factory=dict)
    """Name, sha256, license and source of the pretrained weights that the training began with."""
    solution: Mapping[str, Any] = field(default_factory=dict)
    """How a solver found the weights, and how well it predicted rows held out of it; empty where
    steps did."""

    cluster: Mapping[str, Any] = field(default_factory=dict)
    """The processes and devices that trained together; empty for one."""

    lineage: Mapping[str, Any] = field(default_factory=dict)
    """How an update made the weights from those of another model; empty for a training."""

    @property
    def model(self) -> ModelConfig:
        """The builder and its options as they are in use."""
        options = {**self.config.model.options, **self.chosen}
        return self.config.model.model_copy(update={"options": options})

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one row as the network reads it, without the batch dimension."""
        return input_shape(self.config, self.shape)

    @property
    def model_name(self) -> str:
        """The usual name of a model exported from the run: the folder's, without a time."""
        name = self.path.resolve().name
        timed = re.fullmatch(re.escape(self.config.name) + r"-\d{8}-\d{6}", name)
        return self.config.name if timed else name

    @property
    def reading(self) -> DataConfig:
        """How users' rows are read: as those of the first training, also after updates."""
        return reading_settings(self.lineage, self.config.data)

    @property
    def finished(self) -> bool:
        """Whether the run has weights to use."""
        return self.status in ("finished", "stopped")

    def network(
        self,
        precision: str = "float32",
        *,
        weights: bool = True,
        tta: bool = False,
        shape: tuple[int | None, ...] = (),
    ) -> keras.Model:
        """Returns the network.

        Args:
            precision: name of the Keras dtype policy of its layers.
            weights: whether to load the best weights; otherwise they are new.
            tta: whether the network averages over augmented copies of an image.
            shape: shape of one row; the run's by default.

        Raises:
            RunError: the weights do not fit the config.
        """
        shape = shape or self.input_shape
        network = build_network(self.model, shape, len(self.labels), precision)
        if weights:
            try:
                network.load_weights(self.path / WEIGHTS)
            except (OSError, ValueError) as error:
                raise RunError(
                    f"the weights of {self.path} do not fit its config: {error}."
                ) from None
        return augment_network(self.model, network) if tta else network

    def tokenizer(self) -> GraphTokenizer | None:
        """Returns the tokenizer of a text model; None for an image model."""
        if self.task != "text":
            return None
        from modelwright.models.graph_tokenizer import GraphTokenizer

        return GraphTokenizer(check_options(self.model), self.path / VOCABULARY)

    def update(self, **changes: Any) -> Run:
        """Returns a copy with changes, written to ``run.json``, with checksums once it finished."""
        changed = replace(self, **changes)
        files = {}
        if changed.finished:
            present = [name for name in _SEALED if (self.path / name).is_file()]
            files = {name: sha256_file(self.path / name) for name in present}
        record = {
            "format": FORMAT,
            "status": changed.status,
            "task": changed.task,
            "labels": list(changed.labels),
            "shape": list(changed.shape) if changed.shape else None,
            "data": dict(changed.data),
            "backend": changed.backend,
            "precision": dict(changed.precision),
            **({"extras": dict(changed.extras)} if changed.extras else {}),
            "versions": dict(changed.versions),
            "metrics": dict(changed.metrics),
            **({"chosen": dict(changed.chosen)} if changed.chosen else {}),
            **({"backbone": dict(changed.backbone)} if changed.backbone else {}),
            **({"solution": dict(changed.solution)} if changed.solution else {}),
            **({"cluster": dict(changed.cluster)} if changed.cluster else {}),
            **({"lineage": dict(changed.lineage)} if changed.lineage else {}),
            "files": files,
        }
        write_json(self.path / RUN_RECORD, record)
        return changed

    def add_note(self, note: str) -> Run:
        """Returns a copy with a decision that the report shows, once, unless it is empty."""
        notes = self.data.get("notes", ())
        if not note or note in notes:
            return self
        return self.update(data={**self.data, "notes": [*notes, note]})


def reading_settings(lineage: Mapping[str, Any], own: DataConfig) -> DataConfig:
    """Returns how users' rows are read: the own settings, or what the lineage of an update says."""
    settings = lineage.get("reading")
    return check_table(DataConfig, settings, "data") if settings else own


def input_shape(config: Config, shape: ImageShape | None) -> tuple[int, ...]:
    """Returns the shape of one row: that of an image, or the length of a text in tokens."""
    return shape or (int(config.model.options["length"]),)


def create_run(config: Config, data: Dataset, folder: Path | None) -> Run:
    """Returns a new run in ``folder``, by default in ``runs/NAME-TIME``.

    Raises:
        RunError: the folder exists and is not empty.
    """
    path = folder or Path("runs") / f"{config.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(
            f"the run folder {path} exists and is not empty; choose another with --out, or"
            f" resume it with --resume {path}."
        )
    data_record = {
        "source": data.source,
        "fingerprint": data.fingerprint,
        "rows": data.counts(),
        "rejected": len(data.rejected),
        "notes": list(data.notes),
        "places": record_places(config.data, path),
        **({"dropped": dict(data.dropped)} if data.dropped else {}),
    }
    path.mkdir(parents=True, exist_ok=True)
    try:
        write_text(path / "config.toml", to_toml(config))
        return Run(path, config, data.task, data.labels, data.shape, data_record).update()
    except OSError:
        shutil.rmtree(path, ignore_errors=True)  # half a run would be in the way of another try
        raise


def load_run(path: Path | str, *, unfinished: bool = False) -> Run:
    """Returns a run after checking its files.

    Args:
        path: the run's folder.
        unfinished: whether to accept a run whose training did not finish.

    Raises:
        RunError: the folder is not a run, its training did not finish, or files changed or are
            missing.
    """
    path = Path(path)
    run, checksums = _read_run(path)
    if not run.finished and not unfinished:
        raise RunError(
            f"the training of {path} did not finish; resume it with: modelwright"
            f" train --resume {path}."
        )
    if problems := changed_files(path, checksums):
        raise RunError(f"the run {path} is not as it was written: {'; '.join(problems)}.")
    return run


def _read_run(path: Path) -> tuple[Run, Mapping[str, str]]:
    """Returns what is in a run's files, and the recorded checksums."""
    try:
        record = json.loads((path / RUN_RECORD).read_text("utf-8"))
        if record["format"] != FORMAT:
            raise RunError(
                f"the run {path} has format {record['format']}; this version reads {FORMAT}."
            )
        config = from_toml((path / "config.toml").read_text("utf-8"))
        run = Run(
            path=path,
            config=config,
            task=record["task"],
            labels=tuple(record["labels"]),
            shape=tuple(record["shape"]) if record["shape"] else None,
            data=record["data"],
            status=record["status"],
            # Runs without this key were trained under TensorFlow.
            backend=record.get("backend", "tensorflow"),
            versions=record["versions"],
            precision=record["precision"],
            extras=record.get("extras", {}),
            metrics=record["metrics"],
            chosen=record.get("chosen", {}),
            backbone=record.get("backbone", {}),
            solution=record.get("solution", {}),
            cluster=record.get("cluster", {}),
            lineage=record.get("lineage", {}),
        )
    except FileNotFoundError as error:
        name = Path(error.filename).name
        if not is_run(path):
            raise RunError(wrong_folder(path, "run")) from None
        raise RunError(
            f"{path} is not a run: {name} is missing; expected a folder that 'modelwright train'"
            " wrote."
        ) from None
    except NotADirectoryError:
        raise RunError(wrong_folder(path, "run")) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"the run {path} cannot be read: {type(error).__name__} {error}.") from None
    except RunError:
        raise
    except ModelwrightError as error:
        raise RunError(f"the run {path} cannot be used: {error}") from None
    return run, record["files"]
