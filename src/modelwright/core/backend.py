"""The backend with which Keras computes, and loading it without messages that no user can act on.

TensorFlow is loaded with any backend, because the tokenizer and the servable are its graphs.
Keras' own settings are the same in every process. Of the user's ``keras.json`` only the backend
counts: networks are built for channels last and float32, and would otherwise differ in silence.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from types import ModuleType

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.nearest import nearest

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
# TensorFlow and Keras import these where they are installed, for interfaces that are not used here.
# They take 2 of the 5 seconds that both take to load.
_UNUSED = ("jax", "matplotlib", "pandas", "sklearn")
_skipped: set[str] = set()
_KERAS_SETTINGS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}


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


def skip_unused_packages() -> None:
    """Makes TensorFlow and Keras load sooner, without interfaces that this project does not use.

    Only for processes of this project's own, such as a command or a child process: Keras then
    takes no data frames and has no wrappers for scikit-learn, which a user's code may want. All
    packages can still be imported afterwards.
    """
    _skipped.update(_UNUSED)


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
    with quiet(), _own_keras_settings(), _without_skipped_packages():
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
    with quiet(), _own_keras_settings(), _without_skipped_packages():
        import keras  # noqa: F401
    reset_keras_settings()


def reset_keras_settings() -> None:
    """Sets Keras' own settings, which the user's code may have changed, to those used here."""
    import keras

    for name, value in _KERAS_SETTINGS.items():
        getattr(keras.config, f"set_{name}")(value)
    keras.config.set_max_epochs(None)  # set by KERAS_MAX_EPOCHS, it would end every training
    keras.config.set_max_steps_per_epoch(None)


@contextmanager
def _own_keras_settings() -> Iterator[None]:
    """Lets Keras, imported in the block, read a ``keras.json`` of ours instead of the user's.

    TensorFlow imports parts of Keras too. A file that Keras rejects would end both imports.
    """
    if "keras" in sys.modules:
        yield
        return
    name, _ = _configured()
    usable = name in BACKENDS and util.find_spec(name) is not None
    before = {key: os.environ.get(key) for key in ("KERAS_HOME", "KERAS_BACKEND")}
    with tempfile.TemporaryDirectory() as folder:
        settings = json.dumps(_KERAS_SETTINGS)
        Path(folder, "keras.json").write_text(settings, "utf-8")
        os.environ |= {"KERAS_HOME": folder, "KERAS_BACKEND": name if usable else "tensorflow"}
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value
    # Keras keeps downloaded weights in this folder.
    if config := sys.modules.get("keras.src.backend.config"):
        config.__dict__["_KERAS_DIR"] = str(_keras_home())


@contextmanager
def _without_skipped_packages() -> Iterator[None]:
    """Lets imports in the block take the skipped packages for packages that are not installed."""
    needed = _configured()[0]
    hidden = {name for name in _skipped if name != needed and name not in sys.modules}
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            modules.pop(name, None)


def _keras_home() -> Path:
    home = Path(os.environ.get("KERAS_HOME", "~/.keras"))
    try:
        return home.expanduser()
    except RuntimeError:  # there is no home folder
        return home


def _configured() -> tuple[str, str]:
    """Returns the backend's name and where it is set, in the order in which Keras looks for it."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend(), "the backend of Keras, loaded already,"
    if variable := os.environ.get("KERAS_BACKEND"):
        return variable, "KERAS_BACKEND"
    file = _keras_home() / "keras.json"
    try:
        name = json.loads(file.read_text("utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow", "Keras' default backend"
    return str(name), f"the backend in {file}"
