"""The backend with which Keras computes, and loading it without messages that no user can act on.

TensorFlow is loaded with any backend, because the tokenizer and the servable are its graphs.
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
    """Hides what C++ writes to standard error while the block runs.

    TensorFlow logs there before Python can configure it. The messages of exceptions are not
    affected.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    try:
        original = os.dup(2)
    except OSError:
        yield
        return
    try:
        with open(os.devnull, "wb") as null:  # noqa: PTH123
            os.dup2(null.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(original, 2)
        os.close(original)


def keras_backend() -> str:
    """Returns the name of the backend, one of ``BACKENDS``. Loads nothing.

    Raises:
        ConfigError: Another backend is set.
    """
    name, setting = _configured()
    if name not in BACKENDS:
        raise ConfigError(
            f"{setting} is '{name}'.{nearest(name.lower(), BACKENDS)} Modelwright trains with"
            " tensorflow (the default) or jax; set KERAS_BACKEND to one of them, or leave it out."
        )
    return name


def load_tensorflow() -> None:
    """Imports TensorFlow without log messages, with oneDNN unless ``TF_ENABLE_ONEDNN_OPTS`` is set.

    By default TensorFlow uses oneDNN only on processors with AVX-512 VNNI or newer instructions.
    Convolutions are also faster with it on processors that have only AVX2.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    from modelwright.core.packages import require_training

    require_training()
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet():
        import tensorflow  # noqa: F401


def load_keras() -> None:
    """Imports TensorFlow, Keras and its backend without log messages.

    Raises:
        ConfigError: The backend that is set cannot train here.
        MissingDependencyError: One of them is not installed.
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


def _configured() -> tuple[str, str]:
    """Returns the backend's name and where it is set, in the order in which Keras looks for it."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend(), "the backend of Keras, loaded already,"
    if variable := os.environ.get("KERAS_BACKEND"):
        return variable, "KERAS_BACKEND"
    file = Path(os.environ.get("KERAS_HOME", "~/.keras"), "keras.json")
    try:
        name = json.loads(file.expanduser().read_text("utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return "tensorflow", "Keras' default backend"
    return str(name), f"the backend in {file}"
