"""The model that learns: a version of a servable or a run, with its network and its memory's place.

Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, DataConfig, check_table
from modelwright.core.errors import ServableError
from modelwright.core.folders import MEMORY, is_run
from modelwright.core.types import ImageShape, Task
from modelwright.models.builders import check_options
from modelwright.models.graph_tokenizer import GraphTokenizer
from modelwright.runs.run import VOCABULARY, Run, load_run, reading_settings
from modelwright.servable.live_version import version_number
from modelwright.servable.manifest import Manifest, find_version, read_manifest
from modelwright.servable.restore import restore_network
from modelwright.servable.tokenizer import VOCABULARY as SERVED_VOCABULARY


@dataclass(frozen=True)
class BaseModel:
    """A trained model, before it learns.

    Attributes:
        path: the folder of the version or the run.
        model: the folder of the model; None for a run.
        version: the number of the version. A run counts from 1, plus 1 for each update.
        task: what it classifies.
        labels: its classes.
        shape: the shape of its images; None for texts.
        config: its settings, with those that its training chose.
        data: the record of the rows that it was trained on.
        data_config: the settings by which those rows are read.
        lineage: how an update made it; empty otherwise.
        tta: whether it answers with test-time augmentation.
        backbone: the pretrained weights that its training began with.
        source: the run or the manifest.
    """

    path: Path
    model: Path | None
    version: int
    task: Task
    labels: tuple[str, ...]
    shape: ImageShape | None
    config: Config
    data: Mapping[str, Any]
    lineage: Mapping[str, Any]
    tta: bool
    backbone: Mapping[str, Any]
    source: Run | Manifest

    @property
    def home(self) -> Path:
        """The folder that has the memory in it."""
        return self.model or self.path

    @property
    def memory(self) -> Path:
        """The folder of the memory."""
        return self.home / MEMORY

    @property
    def reading(self) -> DataConfig:
        """How rows of the user's are read: as at the first training."""
        return reading_settings(self.lineage, self.config.data)

    @property
    def vocabulary(self) -> Path | None:
        """The file with the tokens; None for images."""
        if self.task != "text":
            return None
        return self.path / (VOCABULARY if self.model is None else SERVED_VOCABULARY)

    @cached_property
    def tokenizer(self) -> GraphTokenizer | None:
        """The tokenizer of a text model, which is built and traced once; None for images."""
        vocabulary = self.vocabulary
        return GraphTokenizer(check_options(self.config.model), vocabulary) if vocabulary else None

    def network(self) -> Any:
        """Returns a new copy of the ``keras.Model``, in float32, with its weights.

        It takes texts of any length where padding does not matter, so that short ones are fast.
        """
        any_length = getattr(check_options(self.config.model), "any_length", False)
        if isinstance(self.source, Run):
            return self.source.network(shape=(None,) if any_length else ())
        served = replace(self.source, tta=False)
        return restore_network(self.path, served, any_length=any_length)


def find_base(path: Path | str) -> BaseModel:
    """Returns the model at a path, after its files were checked.

    Args:
        path: ``models/NAME`` for its live version, ``models/NAME/VERSION``, or a run's folder.

    Raises:
        RunError: the run cannot be used.
        ServableError: the folder is no model, was not exported by Modelwright, has another format,
            or files of it changed.
    """
    folder = Path(path)
    if is_run(folder):
        return _from_run(load_run(folder))
    version = find_version(folder)
    manifest = read_manifest(version)
    if not manifest.config:
        raise ServableError(
            f"{version} does not say how its network was built, so it cannot learn; expected a"
            " version that 'modelwright export' made from a run."
        )
    number = version_number(version.resolve().name)
    if number is None:
        raise ServableError(
            f"{version} is no version in the folder of a model: its name is not a number. Put it"
            " into models/NAME/VERSION first."
        )
    return BaseModel(
        path=version,
        model=_model_of(version) if folder == version else folder,
        version=number,
        task=manifest.task,
        labels=manifest.labels,
        shape=_image_shape(manifest.shape),
        config=check_table(Config, manifest.config, ""),
        data=manifest.data,
        lineage=manifest.lineage,
        tta=manifest.tta,
        backbone=manifest.backbone,
        source=manifest,
    )


def ancestors(base: BaseModel) -> frozenset[int]:
    """Returns the versions from which a model comes, itself included."""
    return frozenset([*base.lineage.get("ancestors", ()), base.version])


def _from_run(run: Run) -> BaseModel:
    return BaseModel(
        path=run.path,
        model=None,
        version=int(run.lineage.get("version", 1)),
        task=run.task,
        labels=run.labels,
        shape=run.shape,
        config=run.config.model_copy(update={"model": run.model}),
        data=run.data,
        lineage=run.lineage,
        tta=False,
        backbone=run.backbone,
        source=run,
    )


def _model_of(version: Path) -> Path:
    """Returns the folder around a version, as the user wrote it where that is possible."""
    return version.parent if version.name.isdigit() else version.resolve().parent


def _image_shape(shape: tuple[int, ...] | None) -> ImageShape | None:
    return (shape[0], shape[1], shape[2]) if shape else None
