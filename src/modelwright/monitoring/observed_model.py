"""A loaded model whose rows and answers are recorded: its engine, labels and vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelwright.core.types import Engine, Task
from modelwright.monitoring.feature_engine import FeatureEngine
from modelwright.monitoring.penultimate import find_features
from modelwright.servable.engines.onnx import ONNX
from modelwright.servable.engines.registry import open_engine
from modelwright.servable.manifest import Manifest
from modelwright.servable.tokenizer import VOCABULARY


@dataclass(frozen=True)
class ObservedModel:
    """A loaded model.

    Attributes:
        engine: Answers rows; what it returns besides the probabilities are features.
        task: What the model classifies.
        labels: The names of its classes.
        vocabulary: The tokens by their ids; empty for images.
        orient: Whether images are turned as their EXIF orientation says.
        tensor: The name of the features; empty where the engine returns none.
    """

    engine: Engine
    task: Task
    labels: tuple[str, ...]
    vocabulary: tuple[str, ...]
    orient: bool
    tensor: str = ""


def observed_servable(
    folder: Path, manifest: Manifest, *, tensor: str = "", engine: str = "auto"
) -> ObservedModel:
    """Loads a servable.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        tensor: the name of the features in its ONNX file; empty for an engine without them.
        engine: the engine of a servable that answers, where no features are read.

    Raises:
        ConfigError: the servable does not hold that engine.
        MissingDependencyError: the package of the engine is not installed.
        ServableError: its files cannot be loaded.
    """
    if tensor:
        opened: Engine = FeatureEngine(folder, manifest, tensor)
    else:
        opened = open_engine(engine, folder, manifest)
    tokens = read_vocabulary(folder / VOCABULARY) if manifest.task == "text" else ()
    return ObservedModel(opened, manifest.task, manifest.labels, tokens, manifest.orients, tensor)


def can_read_features(manifest: Manifest, engine: str = "auto") -> bool:
    """Returns whether a servable answers on ONNX Runtime, here and with that choice of engine."""
    chosen = engine in ("auto", ONNX.name)
    return chosen and ONNX.name in manifest.engines and ONNX.is_installed()


def find_tensor(folder: Path, manifest: Manifest) -> str:
    """Returns the name of the features in the ONNX file of a servable; empty without any.

    Empty, too, where the packages for it are not installed, or the network answers with the mean
    over copies of an image.
    """
    if manifest.tta or not can_read_features(manifest):
        return ""
    try:
        return find_features(folder / ONNX.file(ONNX.name))
    except ImportError:  # the package onnx, which only an export needs
        return ""


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """Returns the tokens in a file with one a line, by their ids."""
    return tuple(path.read_text("utf-8").split("\n")[:-1])
