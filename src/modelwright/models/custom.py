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

from modelwright.core.config import TrainConfig
from modelwright.core.errors import ConfigError, MissingDependencyError, ModelwrightError
from modelwright.core.nearest import nearest
from modelwright.models.hyperparameters import call_with_hyperparameters, takes_hyperparameters
from modelwright.models.network_size import is_new
from modelwright.models.options import CustomOptions

OPTIMIZERS = ("adam", "adamw", "sgd", "adagrad")
"""The optimizers of ``[train]``."""
_SCALED = "scaled_pixels"
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]+")


def build(options: CustomOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Calls the user's function and checks the network that it returns.

    A function whose only required argument is ``hp`` was written for Keras Tuner. It gets the
    options as its hyperparameters, and must itself fit the shape of the rows.

    Raises:
        ConfigError: The function did not return a ``keras.Model`` with one probability for each
            class, or a single one for two classes; or its input does not fit the rows.
    """
    function = load_function(options.function)
    extra = {"vocabulary": options.vocabulary} if len(shape) == 1 else {}
    tuned = takes_hyperparameters(function)
    try:
        if tuned:
            model = call_with_hyperparameters(function, options.options, options.function)
            _add_input(model, shape)
        else:
            model = function(shape, classes, **extra, **options.options)
    except TypeError as error:
        if tuned:
            raise _failure(options.function, error) from error
        raise ConfigError(
            f"model function '{options.function}' cannot be called with (shape, classes,"
            f" {', '.join([*extra, *options.options]) or 'no options'}): {error}"
        ) from error
    except ModelwrightError:
        raise
    except Exception as error:
        raise _failure(options.function, error) from error
    if not isinstance(model, keras.Model):
        raise ConfigError(
            f"model function '{options.function}' returned {type(model).__name__};"
            " expected a keras.Model."
        )
    if not getattr(model, "inputs", None):
        raise ConfigError(
            f"model function '{options.function}' returned a {type(model).__name__} whose input"
            f" shape is unknown; expected a network that begins with keras.Input({shape})."
        )
    widths = (classes, 1) if classes == 2 else (classes,)
    if len(model.inputs) != 1 or len(model.outputs) != 1 or model.output_shape[-1] not in widths:
        raise ConfigError(
            f"model function '{options.function}' returned a model with output"
            f" {model.output_shape}; expected one input, and one output of width"
            f" {' or '.join(map(str, widths))} with probabilities."
        )
    if tuned:
        _check_input(model, options, shape)
        model = _adapted(model)
    if is_new():
        _check_names(model, options.function)
    return model


def function_notes(network: keras.Model, train: TrainConfig, function: str) -> tuple[str, ...]:
    """Returns what a training does otherwise than a user's function may expect."""
    notes = []
    if any(layer.name == _SCALED for layer in network.layers):
        notes.append(
            f"'{function}' has no Rescaling layer, so its pixels are scaled to 0 to 1; to get them"
            " from 0 to 255, begin it with keras.layers.Rescaling(1.0)"
        )
    found = compiled_optimizer(network)
    if found is None or found == (train.optimizer, train.learning_rate):
        return tuple(notes)
    name, rate = found
    of_rate = "a schedule of the learning rate" if rate is None else f"a learning rate of {rate:g}"
    settings = [] if name not in OPTIMIZERS else [f"train.optimizer={name}"]
    settings += [] if rate is None else [f"train.learning_rate={rate:g}"]
    notes.append(
        f"compile() in '{function}' has no effect: it has {name} with {of_rate}, but [train] says"
        f" {train.optimizer} with {train.learning_rate:g}; to train as it says, set"
        f" {' and '.join(settings) or 'train.optimizer and train.learning_rate'}"
    )
    return tuple(notes)


def compiled_optimizer(network: keras.Model) -> tuple[str, float | None] | None:
    """Returns the optimizer and the learning rate with which a network was compiled.

    The optimizer has its name in ``[train]``, if it has one there, or else that of its class. The
    rate is None if it has a schedule.
    """
    optimizers = (getattr(one, "optimizer", None) for one in (network, *network.layers))
    optimizer = next(filter(None, optimizers), None)
    if optimizer is None:
        return None
    own = type(optimizer).__name__.lower()
    scheduled = isinstance(
        optimizer.get_config().get("learning_rate"),
        dict | keras.optimizers.schedules.LearningRateSchedule,
    )
    rate = None if scheduled else float(f"{float(optimizer.learning_rate):.6g}")
    return own, rate


def _failure(function: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"model function '{function}' failed with {type(error).__name__}{_where(error)}: {error}"
    )


def _add_input(model: Any, shape: tuple[int, ...]) -> None:
    """Gives a sequential network without an input that of the rows, as Keras Tuner's ``fit`` does.

    Keras would read token ids in the precision of the layers, which may be too coarse for them.
    """
    if isinstance(model, keras.Sequential) and not model.built:
        layers = list(model.layers)
        for _ in layers:
            model.pop(rebuild=False)
        model.add(keras.Input(shape, dtype="int32" if len(shape) == 1 else "float32"))
        for layer in layers:
            model.add(layer)


def _adapted(model: keras.Model) -> keras.Model:
    """Returns a network that was written for Keras Tuner, between our rows and our loss.

    Such functions read pixels that their authors scaled before, and give probabilities in the
    precision of their layers. A network with a layer of its own for the scale keeps the pixels.
    """
    layers = model._flatten_layers(include_self=False)
    scales = any(
        isinstance(one, keras.layers.Rescaling | keras.layers.Normalization) for one in layers
    )
    image = len(model.input_shape) == 4
    if (scales or not image) and model.compute_dtype == "float32":
        return model
    inputs = keras.Input(model.input_shape[1:], dtype="uint8" if image else "int32")
    values = inputs
    if image and not scales:
        values = keras.layers.Rescaling(1 / 255, name=_SCALED)(values)
    outputs = keras.layers.Activation("linear", dtype="float32", name="probabilities")(
        model(values)
    )
    return keras.Model(inputs, outputs)


def _check_input(model: keras.Model, options: CustomOptions, shape: tuple[int, ...]) -> None:
    """Checks that a network with an input shape of its own reads the rows.

    Raises:
        ConfigError: it reads another shape, or fewer token ids than the vocabulary has.
    """
    own = tuple(model.input_shape[1:])
    fits = len(own) == len(shape) and all(
        size in (None, wanted) for size, wanted in zip(own, shape, strict=True)
    )
    if not fits:
        raise ConfigError(
            f"model function '{options.function}' returned a model that reads {own}, but the rows"
            f" have the shape {shape}; {_shape_advice(own, shape)}."
        )
    ids = embedding_ids(model)
    if len(shape) == 1 and ids is not None and ids < options.vocabulary:
        raise ConfigError(
            f"model function '{options.function}' returned a model whose Embedding has {ids} token"
            f" ids, but the texts have up to {options.vocabulary}; set model.vocabulary={ids}, or"
            " enlarge the Embedding."
        )


def embedding_ids(model: keras.Model) -> int | None:
    """Returns the number of token ids of the first layer that embeds them, or None."""
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    first = layers[0] if layers else None
    return int(first.input_dim) if isinstance(first, keras.layers.Embedding) else None


def _shape_advice(own: tuple[int | None, ...], shape: tuple[int, ...]) -> str:
    if len(own) == 1 == len(shape) and own[0]:
        return f"set model.length={own[0]}, or change the shape of its Input"
    if len(own) == 3 == len(shape) and own[0] and own[0] == own[1] and own[2] == shape[2]:
        return f"set data.image_size={own[0]}, or change the shape of its Input"
    return f"change the shape of its Input to {shape}"


def _where(error: Exception) -> str:
    """Returns the file and line of the user's that raised an error, for a message."""
    own = Path(__file__).parent
    calls = traceback.extract_tb(error.__traceback__)
    frames = [one for one in calls if Path(one.filename).parent != own]
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
    if not module_name or module_name.startswith(".") or not name:
        raise ConfigError(f"{kind} '{path}' names none; expected package.module:function.")
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
        public = [key for key, one in vars(module).items() if key[0] != "_" and callable(one)]
        other = f", only a {type(function).__name__}" if hasattr(module, name) else ""
        raise ConfigError(
            f"{kind} '{path}': '{module_name}' has no function '{name}'{other}."
            f"{nearest(name, public)}"
        )
    return function
