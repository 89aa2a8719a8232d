"""Load one version: by what is in its folder, checked, warm and measured before it is live."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modelwright.core.errors import MissingDependencyError, ServableError
from modelwright.servable.engines.registry import (
    REFERENCE,
    added_folders,
    engine_kind,
    is_known,
)
from modelwright.servable.manifest import EXAMPLES, MANIFEST, read_manifest
from modelwright.servable.tokenizer import TOKENIZER
from modelwright.servable.warmup import WARMUP, read_warmup_requests
from modelwright.serve.config import Limits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.model_config import confined
from modelwright.serve.lifecycle.modelwright_model import OwnServable
from modelwright.serve.lifecycle.runner import Measured, measure
from modelwright.serve.lifecycle.served_model import DEFAULT, Servable, check
from modelwright.serve.lifecycle.tensorflow_model import ForeignServable
from modelwright.wire import tensors

_LIMITS = Limits(rows=2**20, text=2**30)
"""Of warm-up requests, which are part of the version."""

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class Loaded:
    """A version that may go live."""

    servable: Servable
    measured: Measured | None


def load(folder: Path, root: Path, engine: str = "auto") -> Loaded:
    """Load, answer what was recorded, and measure.

    Args:
        folder: the version's.
        root: the folder that it must lie in, links followed.
        engine: of a servable that Modelwright made.

    Raises:
        ModelwrightError: it cannot be served, and why.
    """
    confined(root, folder)
    servable: Servable
    if plain(folder):
        servable = _plain(folder)
    else:
        engines = filter(is_known, read_manifest(folder).engines)
        light = any(not engine_kind(name).needs_tensorflow for name in engines)
        savedmodel = engine == REFERENCE or (engine == "auto" and not light)
        servable = _plain(folder) if savedmodel else OwnServable(folder, engine)
    try:
        recorded = servable.warm()
        asked = _warm_up(folder, servable)
        measured = measure(servable)
    except BaseException:
        servable.close()
        raise
    _log.info("%s: %d recorded answers given, %d warm-up requests", folder, recorded, asked)
    return Loaded(servable, measured)


def plain(folder: Path) -> bool:
    """Whether a folder is a SavedModel that Modelwright did not make.

    Raises:
        ServableError: it is neither that nor one of its own, or one of its own in parts.
    """
    if (folder / MANIFEST).exists():
        return False
    if not (folder / "saved_model.pb").is_file():
        raise ServableError(
            f"{folder} holds neither {MANIFEST} nor saved_model.pb; expected a version"
            " that 'modelwright export' wrote, or a SavedModel."
        )
    if any((folder / name).exists() for name in (TOKENIZER, EXAMPLES, *added_folders())):
        raise ServableError(f"{folder} is not complete: {MANIFEST} is missing.")
    return True


def _plain(folder: Path) -> ForeignServable:
    if find_spec("tensorflow") is None:
        raise MissingDependencyError(
            f"{folder} is a SavedModel without an ONNX file, which needs TensorFlow, and that is"
            " not installed; install with: pip install 'modelwright[train,serve]'."
        )
    return ForeignServable(folder)


def _warm_up(folder: Path, servable: Servable) -> int:
    """Answer the warm-up requests beside a SavedModel."""
    path = folder / WARMUP
    if not path.is_file():
        return 0
    count = 0
    for request in read_warmup_requests(path):
        name = request.model_spec.signature_name or DEFAULT
        try:
            inputs = {key: tensors.to_array(value) for key, value in request.inputs.items()}
            servable.run(name, check(name, servable.signatures, inputs, _LIMITS).inputs)
        except (Refused, ValueError) as error:
            raise ServableError(f"warm-up request {count + 1} of {path} fails: {error}") from None
        count += 1
    return count
