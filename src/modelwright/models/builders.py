"""The builders a config can name. To add one: its options, its module, one line here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.config import ModelConfig, Table, check_table
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.nearest import nearest
from modelwright.core.types import Task
from modelwright.models.adaptation import Given
from modelwright.models.options import (
    BilstmOptions,
    CnnOptions,
    CommitteeOptions,
    CustomOptions,
    NgramsOptions,
    RegionsOptions,
    TextcnnOptions,
    WhitenedOptions,
)

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Builder:
    """One kind of network: the rows it takes, its options, the module with its ``build``.

    ``build(options, shape, classes)`` returns a ``keras.Model``: uint8 pictures
    ``[n, h, w, c]`` or int32 ids ``[n, length]`` in; out come float32 probabilities
    ``[n, classes]``, or ``[n, 1]`` with the second class's when there are two. A module may
    also have ``adapt(network, options, given)``: it sets weights that are computed from the
    training rows before the first step. Options with a true ``learns_from_texts`` say that it
    learns from ``given.unlabelled`` too.
    """

    options: type[Table]
    module: str
    task: Task | None


BUILDERS: dict[str, Builder] = {
    "cnn": Builder(CnnOptions, "modelwright.models.cnn", "image"),
    "bilstm": Builder(BilstmOptions, "modelwright.models.bilstm", "text"),
    "whitened": Builder(WhitenedOptions, "modelwright.models.whitened", "image"),
    "ngrams": Builder(NgramsOptions, "modelwright.models.ngrams", "text"),
    "textcnn": Builder(TextcnnOptions, "modelwright.models.textcnn", "text"),
    "regions": Builder(RegionsOptions, "modelwright.models.regions", "text"),
    "committee": Builder(CommitteeOptions, "modelwright.models.ensemble", "text"),
    "custom": Builder(CustomOptions, "modelwright.models.custom", None),
}


def find(name: str) -> Builder:
    """The builder of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in BUILDERS:
        known = ", ".join(sorted(BUILDERS))
        raise ConfigError(
            f"unknown builder '{name}'.{nearest(name, BUILDERS)} Known here: {known}."
        )
    return BUILDERS[name]


def options_of(model: ModelConfig) -> Any:
    """The builder's options, checked."""
    return check_table(find(model.builder).options, model.options, "model")


def build(
    model: ModelConfig, shape: tuple[int | None, ...], classes: int, precision: str = "float32"
) -> keras.Model:
    """Build a network.

    Args:
        model: the builder and its options.
        shape: of one input, without the batch: (h, w, c), or (length,); (None,) for texts of
            any length, where the options say that this is possible.
        classes: how many there are, at least 2.
        precision: Keras' name of the policy its layers compute in.
    """
    from keras import config

    builder = find(model.builder)
    before = config.dtype_policy()
    config.set_dtype_policy(precision)
    try:
        module = importlib.import_module(builder.module)
        made: keras.Model = module.build(options_of(model), shape, classes)
    finally:
        config.set_dtype_policy(before)
    return made


def adapt(model: ModelConfig, network: keras.Model, given: Given) -> None:
    """Set the weights that the builder computes from the training rows, if it has any."""
    module = importlib.import_module(find(model.builder).module)
    if hasattr(module, "adapt"):
        module.adapt(network, options_of(model), given)


def augmented(model: ModelConfig, network: keras.Model) -> keras.Model:
    """The network averaged over the views of a picture that its training showed.

    Raises:
        ConfigError: its training showed none.
    """
    variation = model.options.get("augment", "none")
    if variation == "none":
        raise ConfigError(
            "test-time augmentation was asked for, but the model was not trained on mirrored"
            " pictures: 'model.augment' is 'none'. Train with flip or flip+crop, or leave --tta"
            " out."
        )
    from modelwright.models.test_time_augmentation import averaged

    return averaged(network, shifted=variation == "flip+crop")


def load_function(path: str) -> Callable[..., Any]:
    """A function named ``package.module:function``, from the path or the current folder.

    Raises:
        ConfigError: the module or the function is not there.
    """
    module_name, _, name = path.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise ConfigError(
                f"model function '{path}': there is no module '{error.name}' here or among the"
                " installed packages; expected package.module:function."
            ) from None
        raise MissingDependencyError(
            f"model function '{path}' imports '{error.name}', which is not installed."
        ) from None
    finally:
        if added:
            sys.path.remove(here)
    function = getattr(module, name, None)
    if not callable(function):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise ConfigError(
            f"model function '{path}': '{module_name}' has no function '{name}'."
            f"{nearest(name, public)}"
        )
    return function  # type: ignore[no-any-return]
