"""One call of a function ``build_model(hp)``: what it asked for, and what it returned.

Keras is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import ConfigError, ModelwrightError, brief
from modelwright.models.hyperparameters import Hyperparameter, HyperParameters

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class FunctionCall:
    """What one call showed.

    Attributes:
        asked: the hyperparameters that the function asked for, by name.
        optimizer: the optimizer with which it compiled the network, as ``[train]`` names it; None
            if it did not compile it.
        rate: the learning rate; None if it has a schedule.
        layers: a text that two calls share if they made the same layers.
        settings: the settings that the input of the network fits.
    """

    asked: Mapping[str, Hyperparameter]
    optimizer: str | None
    rate: float | None
    layers: str
    settings: Mapping[str, Any]


def call_function(
    function: Callable[[HyperParameters], Any], path: str, values: Mapping[str, Any]
) -> FunctionCall:
    """Calls a function with values for some hyperparameters and defaults for the others.

    Raises:
        ConfigError: the function failed, or returned something that cannot be trained.
    """
    import keras

    from modelwright.models.custom import OPTIMIZERS, compiled_optimizer

    hp = HyperParameters(values)
    try:
        network = function(hp)
    except ModelwrightError:
        raise
    except Exception as error:  # a user's function may raise anything
        raise ConfigError(
            f"model function '{path}' failed with {type(error).__name__}: {brief(error)}"
        ) from error
    if not isinstance(network, keras.Model):
        raise ConfigError(
            f"model function '{path}' returned {type(network).__name__}; expected a keras.Model."
        )
    optimizer, rate = compiled_optimizer(network) or (None, None)
    if optimizer not in (None, *OPTIMIZERS):
        raise ConfigError(
            f"model function '{path}' compiles with the optimizer {optimizer}, which [train] does"
            f" not have; expected one of {', '.join(OPTIMIZERS)}. Change the function."
        )
    layers = repr([(type(one).__name__, _unnamed(one.get_config())) for one in network.layers])
    return FunctionCall(dict(hp.asked), optimizer, rate, layers, _input_settings(network))


def _unnamed(config: Any) -> Any:
    """Returns a layer's config without names, which Keras numbers."""
    if isinstance(config, Mapping):
        return {key: _unnamed(value) for key, value in config.items() if key != "name"}
    if isinstance(config, list | tuple):
        return [_unnamed(value) for value in config]
    return config


def _input_settings(network: keras.Model) -> dict[str, Any]:
    """Returns the settings of the rows that a network with a fixed input shape reads."""
    from modelwright.models.custom import embedding_ids

    shape = tuple(network.input_shape[1:]) if network.built else ()
    if len(shape) == 1 and shape[0]:
        ids = embedding_ids(network)
        return {"model.length": shape[0], **({"model.vocabulary": ids} if ids else {})}
    if len(shape) == 3 and shape[0] and shape[0] == shape[1]:
        return {"data.image_size": shape[0]}
    return {}
