"""The builders that a config can name, and how a network is built by one of them.

To add a builder: its options in ``options.py``, a module with ``build``, and one line in
``BUILDERS``. Another package registers a ``Builder`` as an entry point in the group
``modelwright.builders``; that group is only read for a name that is not in ``BUILDERS``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.config import ModelConfig, Table, check_table
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.plugins import find_plugin, plugin_names
from modelwright.core.types import FloatArray, IntArray, Task
from modelwright.models.adaptation import AdaptationData
from modelwright.models.options import (
    BilstmOptions,
    CnnOptions,
    CommitteeOptions,
    CustomOptions,
    ImageOptions,
    NgramsOptions,
    PretrainedOptions,
    RegionsOptions,
    TextcnnOptions,
    WhitenedOptions,
)
from modelwright.models.solution import Solution

if TYPE_CHECKING:
    import keras

PLUGINS = "modelwright.builders"
"""Group of the entry points with which other packages register builders."""


@dataclass(frozen=True)
class Builder:
    """One kind of network.

    The module has ``build(options, shape, classes)``, which returns a ``keras.Model``. Its input
    is uint8 images ``[n, h, w, c]`` or int32 token ids ``[n, length]``. Its output is float32
    probabilities ``[n, classes]``; for two classes it may be ``[n, 1]``, the probability of the
    second class.

    The module may also have ``adapt(network, options, data)``, which sets the weights that are
    computed from ``AdaptationData`` before training starts. It receives texts without labels if
    the options have a true ``learns_from_texts``.

    A module whose options may have a true ``solved`` has ``solve(network, options, data, seed)``.
    It sets the weights to the optimum for the training rows and returns a ``Solution``. It may
    also have ``out_of_fold(network, options, data, fold, seed)``, which answers each row by a
    solution without its fold.

    Attributes:
        options: Table of the options in ``[model]``.
        module: Full name of the module. It is imported when a network is built.
        task: What the network classifies; None for both.
    """

    options: type[Table]
    module: str
    task: Task | None


BUILDERS: dict[str, Builder] = {
    "cnn": Builder(CnnOptions, "modelwright.models.cnn", "image"),
    "pretrained": Builder(PretrainedOptions, "modelwright.models.pretrained", "image"),
    "bilstm": Builder(BilstmOptions, "modelwright.models.bilstm", "text"),
    "whitened": Builder(WhitenedOptions, "modelwright.models.whitened", "image"),
    "ngrams": Builder(NgramsOptions, "modelwright.models.ngrams", "text"),
    "textcnn": Builder(TextcnnOptions, "modelwright.models.textcnn", "text"),
    "regions": Builder(RegionsOptions, "modelwright.models.regions", "text"),
    "committee": Builder(CommitteeOptions, "modelwright.models.ensemble", "text"),
    "custom": Builder(CustomOptions, "modelwright.models.custom", None),
}


def find_builder(name: str) -> Builder:
    """Returns the builder of a name, from the table above or from another package.

    Raises:
        ConfigError: There is no such builder, or the entry point is not a ``Builder``.
        MissingDependencyError: The entry point cannot be loaded.
    """
    if name in BUILDERS:
        return BUILDERS[name]
    plugin = find_plugin(PLUGINS, name)
    if isinstance(plugin, Builder):
        return plugin
    if plugin is not None:
        raise ConfigError(
            f"the entry point '{name}' in '{PLUGINS}' is a {type(plugin).__name__}; expected a"
            " modelwright.models.builders.Builder."
        )
    known = sorted({*BUILDERS, *plugin_names(PLUGINS)})
    raise ConfigError(
        f"unknown builder '{name}'.{nearest(name, known)} Known here: {', '.join(known)}."
    )


def check_options(model: ModelConfig) -> Any:
    """Returns the builder's options, checked.

    Raises:
        ConfigError: The builder is unknown, or an option is unknown or out of bounds.
    """
    builder = find_builder(model.builder)
    foreign = ImageOptions.model_fields.keys() - builder.options.model_fields.keys()
    for key in model.options if builder.task == "text" else ():
        if key in foreign:
            raise ConfigError(
                f"'model.{key}' augments images, but the network '{model.builder}' classifies"
                " texts; leave it out."
            )
    return check_table(builder.options, model.options, "model")


def options_for_classes(model: ModelConfig, classes: int) -> tuple[dict[str, int], str | None]:
    """Returns the options that a training with so many classes changes, and a note about them."""
    options = check_options(model)
    find = getattr(options, "for_classes", None)
    chosen = dict(find(classes)) if find else {}
    if not chosen:
        return {}, None
    changes = ", ".join(
        f"model.{key}={value} instead of {getattr(options, key)}" for key, value in chosen.items()
    )
    given = ", ".join(f"model.{key}" for key in chosen)
    return chosen, (
        f"{classes:,} classes: {changes}, so that no variable takes more than about 128 MiB; to"
        f" choose yourself, set {given} to other values"
    )


def build_network(
    model: ModelConfig, shape: tuple[int | None, ...], classes: int, precision: str = "float32"
) -> keras.Model:
    """Returns a new network.

    Args:
        model: The builder and its options.
        shape: Shape of one input: (h, w, c) or (length,). (None,) is for texts of any length,
            if the options allow it.
        classes: Number of classes, at least 2.
        precision: Keras' name of the dtype policy of the layers.
    """
    from keras import config

    builder = find_builder(model.builder)
    before = config.dtype_policy()
    config.set_dtype_policy(precision)
    try:
        module = importlib.import_module(builder.module)
        network: keras.Model = module.build(check_options(model), shape, classes)
    finally:
        config.set_dtype_policy(before)
    return network


def adapt_network(model: ModelConfig, network: keras.Model, data: AdaptationData) -> None:
    """Sets the weights that the builder computes from the training rows, if it computes any."""
    module = importlib.import_module(find_builder(model.builder).module)
    if hasattr(module, "adapt"):
        module.adapt(network, check_options(model), data)


def solve_network(
    model: ModelConfig, network: keras.Model, data: AdaptationData, seed: int
) -> Solution:
    """Sets the weights that a solver finds from the training rows, in place of steps."""
    module = importlib.import_module(find_builder(model.builder).module)
    solution: Solution = module.solve(network, check_options(model), data, seed)
    return solution


def solves_out_of_fold(model: ModelConfig) -> bool:
    """Returns whether a builder's network is solved, not trained, and ``solve_out_of_fold`` works.

    Options with which steps follow the solver need a training.
    """
    options = check_options(model)
    if not getattr(options, "solved", False) or getattr(options, "steps_follow", False):
        return False
    return hasattr(importlib.import_module(find_builder(model.builder).module), "out_of_fold")


def solve_out_of_fold(
    model: ModelConfig, network: keras.Model, data: AdaptationData, fold: IntArray, seed: int
) -> FloatArray:
    """Returns the probabilities ``[n, classes]`` of each row by a solution without its fold.

    Args:
        model: The builder, whose module has a solver, and its options.
        network: A network of the builder. Its weights stay.
        data: The rows.
        fold: The fold of each row ``[n]``; a row below 0 gets NaN.
        seed: Random seed.
    """
    module = importlib.import_module(find_builder(model.builder).module)
    found: FloatArray = module.out_of_fold(network, check_options(model), data, fold, seed)
    return found


def augment_network(model: ModelConfig, network: keras.Model) -> keras.Model:
    """Returns the network with test-time augmentation, by the variations used in training.

    Raises:
        ConfigError: The model was trained without augmentation.
    """
    variation = model.options.get("augment", "none")
    if variation == "none":
        raise ConfigError(
            "test-time augmentation was asked for, but the model was not trained on mirrored"
            " images or shifted ones: 'model.augment' is 'none'. Train with flip, crop or"
            " flip+crop, or leave --tta out."
        )
    from modelwright.models.test_time_augmentation import average_variants

    return average_variants(network, shifted="crop" in variation, mirrored="flip" in variation)
