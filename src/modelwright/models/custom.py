"""A network from a function that the user wrote, checked before it is trained."""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from modelwright.core.errors import ConfigError, MissingDependencyError, ModelwrightError
from modelwright.core.nearest import nearest
from modelwright.models.network_size import is_new
from modelwright.models.options import CustomOptions

_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]+")


def build(options: CustomOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Calls the user's function and checks the network that it returns.

    Raises:
        ConfigError: The function did not return a ``keras.Model`` with one probability for each
            class, or a single one for two classes.
    """
    extra = {"vocabulary": options.vocabulary} if len(shape) == 1 else {}
    try:
        model = load_function(options.function)(shape, classes, **extra, **options.options)
    except TypeError as error:
        raise ConfigError(
            f"model function '{options.function}' cannot be called with (shape, classes,"
            f" {', '.join([*extra, *options.options]) or 'no options'}): {error}"
        ) from error
    except ModelwrightError:
        raise
    except Exception as error:
        raise ConfigError(
            f"model function '{options.function}' failed with {type(error).__name__}"
            f"{_where(error)}: {error}"
        ) from error
    if not isinstance(model, keras.Model):
        raise ConfigError(
            f"model function '{options.function}' returned {type(model).__name__};"
            " expected a keras.Model."
        )
    widths = (classes, 1) if classes == 2 else (classes,)
    if len(model.inputs) != 1 or len(model.outputs) != 1 or model.output_shape[-1] not in widths:
        raise ConfigError(
            f"model function '{options.function}' returned a model with output"
            f" {model.output_shape}; expected one input, and one output of width"
            f" {' or '.join(map(str, widths))} with probabilities."
        )
    if is_new():
        _check_names(model, options.function)
    return model


def _where(error: Exception) -> str:
    """Returns the file and line that raised an error, for a message."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return f" at {Path(frames[0].filename).name}:{frames[0].lineno}" if frames else ""


def _check_names(model: keras.Model, function: str) -> None:
    """Checks that TensorFlow can use the names of all layers in a graph.

    Raises:
        ConfigError: a name has other characters.
    """
    names = [model.name, *(layer.name for layer in model._flatten_layers(include_self=False))]
    wrong = [name for name in dict.fromkeys(names) if not _NAME.fullmatch(name)]
    if wrong:
        raise ConfigError(
            f"model function '{function}' returned layers with the names"
            f" {', '.join(map(repr, wrong))}; expected the letters A to Z, digits and . _ - alone,"
            " and no _ at the beginning, because a servable has each name in its"
            " graph. Rename them with name=..."
        )


def load_function(path: str, kind: str = "model function") -> Callable[..., Any]:
    """Returns the function ``package.module:function``, from the path or the current folder.

    ``kind`` says in messages what the function is for.

    Raises:
        ConfigError: The module or the function does not exist.
        MissingDependencyError: The module imports a package that is not installed.
    """
    module_name, _, name = path.partition(":")
    current = str(Path.cwd())
    added = current not in sys.path
    if added:
        sys.path.insert(0, current)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise ConfigError(
                f"{kind} '{path}': there is no module '{error.name}' here or among the"
                " installed packages; expected package.module:function."
            ) from None
        raise MissingDependencyError(
            f"{kind} '{path}' imports '{error.name}', which is not installed."
        ) from None
    finally:
        if added:
            sys.path.remove(current)
    function: object = getattr(module, name, None)
    if not callable(function):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise ConfigError(
            f"{kind} '{path}': '{module_name}' has no function '{name}'.{nearest(name, public)}"
        )
    return function
