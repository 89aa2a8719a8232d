"""A network from a function of the user's own, checked before it is trained."""

from __future__ import annotations

import keras

from modelwright.core.errors import ConfigError
from modelwright.models.builders import load_function
from modelwright.models.options import CustomOptions


def build(options: CustomOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Call the user's function and check what it returns.

    Raises:
        ConfigError: it is not a ``keras.Model`` with one probability a class, or one in all
            for two classes.
    """
    extra = {"vocabulary": options.vocabulary} if len(shape) == 1 else {}
    try:
        model = load_function(options.function)(shape, classes, **extra, **options.options)
    except TypeError as error:
        raise ConfigError(
            f"model function '{options.function}' cannot be called with (shape, classes,"
            f" {', '.join([*extra, *options.options]) or 'no options'}): {error}"
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
    return model
