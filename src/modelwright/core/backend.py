"""Which framework Keras computes with, and loading it without messages no user can act upon.

TensorFlow is loaded in any case: the tokeniser and the servable are graphs of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.nearest import nearest

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ writes to standard error while the block runs from showing.

    TensorFlow logs there before Python can configure it. An exception still carries its own
    message.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def keras_backend() -> str:
    """What networks are computed with, one of ``BACKENDS``; loads nothing.

    Raises:
        ConfigError: another one is set.
    """
    name, where = _chosen()
    if name not in BACKENDS:
        raise ConfigError(
            f"{where} is '{name}'.{nearest(name.lower(), BACKENDS)} Modelwright trains with"
            " tensorflow (the default) or jax; set KERAS_BACKEND to one of them, or leave it out."
        )
    return name


def load_tensorflow() -> None:
    """Import TensorFlow quietly, with oneDNN's operations unless ``TF_ENABLE_ONEDNN_OPTS`` is set.

    By itself TensorFlow uses them only on processors with AVX-512 VNNI or newer instructions;
    convolutions gain on those with AVX2 alone, too.

    Raises:
        MissingDependencyError: it is not installed.
    """
    from modelwright.core.packages import require_training

    require_training()
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet():
        import tensorflow  # noqa: F401


def load_keras() -> None:
    """Import TensorFlow, Keras and its backend quietly.

    Raises:
        ConfigError: another backend is set than those that train here.
        MissingDependencyError: one of them is not installed.
    """
    if keras_backend() == "jax" and util.find_spec("jax") is None:
        raise MissingDependencyError(
            "Keras' backend is set to 'jax', but jax is not installed; install with: pip install"
            " 'modelwright[jax]', or set KERAS_BACKEND=tensorflow."
        )
    load_tensorflow()
    if "keras" in sys.modules:
        return
    with quiet():
        import keras  # noqa: F401


def _chosen() -> tuple[str, str]:
    """The backend's name, and where it was set: as Keras reads it, which decides on import."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend(), "the backend of Keras, loaded already,"
    if given := os.environ.get("KERAS_BACKEND"):
        return given, "KERAS_BACKEND"
    file = Path(os.environ.get("KERAS_HOME", "~/.keras"), "keras.json")
    try:
        name = json.loads(file.expanduser().read_text("utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return "tensorflow", "Keras' default backend"
    return str(name), f"the backend in {file}"
