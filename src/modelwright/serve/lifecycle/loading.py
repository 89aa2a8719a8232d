"""Loads one version: checks its files, answers its recorded rows, and measures its speed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modelwright.core.errors import MissingDependencyError, ServableError
from modelwright.servable.engines.registry import REFERENCE, engine_kind, is_known
from modelwright.servable.version_folder import read_version
from modelwright.servable.warmup import WARMUP, read_warmup_requests
from modelwright.serve.config import RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.exported_servable import ExportedServable
from modelwright.serve.lifecycle.input_check import check_inputs
from modelwright.serve.lifecycle.links import check_inside
from modelwright.serve.lifecycle.runner import Speed, measure_speed
from modelwright.serve.lifecycle.savedmodel_servable import SavedModelServable
from modelwright.serve.lifecycle.servable import DEFAULT, Servable
from modelwright.wire import tensors

_WARM_UP_LIMITS = RequestLimits(rows=2**20, text=2**30, image=2**30, all_pixels=2**62)
"""Wider than for clients, because the warm-up requests are part of the version."""

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class LoadedVersion:
    """A version that may go live, and its speed where that could be measured."""

    servable: Servable
    speed: Speed | None


def load_version(
    folder: Path, root: Path, engine: str = "auto", *, links: Sequence[Path] = ()
) -> LoadedVersion:
    """Loads a version, answers what was recorded with it, and measures its speed.

    Args:
        folder: the version's folder.
        root: the folder that the version must lie in, links followed.
        engine: the engine to run it with, if Modelwright exported it.
        links: further folders that links may lead to.

    Raises:
        ModelwrightError: it cannot be served.
    """
    check_inside(root, folder, links)
    servable = _open(folder, engine)
    try:
        recorded = servable.warm()
        requests = _send_warm_up_requests(folder, servable)
        speed = measure_speed(servable)
    except BaseException:
        servable.close()
        raise
    _log.info("%s: %d recorded answers given, %d warm-up requests", folder, recorded, requests)
    return LoadedVersion(servable, speed)


def _open(folder: Path, engine: str) -> Servable:
    manifest = read_version(folder)
    if manifest is None or engine == REFERENCE:
        return _open_savedmodel(folder)
    known = filter(is_known, manifest.engines)
    light = any(not engine_kind(name).needs_tensorflow for name in known)
    if engine == "auto" and not light:
        return _open_savedmodel(folder)
    return ExportedServable(folder, engine)


def _open_savedmodel(folder: Path) -> SavedModelServable:
    if find_spec("tensorflow") is None:
        raise MissingDependencyError(
            f"{folder} is a SavedModel without an ONNX file, which needs TensorFlow, and that is"
            " not installed; install with: pip install 'modelwright[train,serve]'."
        )
    return SavedModelServable(folder)


def _send_warm_up_requests(folder: Path, servable: Servable) -> int:
    """Runs the version's warm-up requests and returns how many there are."""
    path = folder / WARMUP
    if not path.is_file():
        return 0
    count = 0
    for request in read_warmup_requests(path):
        name = request.model_spec.signature_name or DEFAULT
        try:
            inputs = {key: tensors.to_array(value) for key, value in request.inputs.items()}
            checked = check_inputs(name, servable.signatures, inputs, _WARM_UP_LIMITS)
            servable.run(name, checked.inputs)
        except (Refused, ValueError) as error:
            raise ServableError(f"warm-up request {count + 1} of {path} fails: {error}") from None
        count += 1
    return count
