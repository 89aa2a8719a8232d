"""The state of Keras and its backend that a run depends on: seeds, determinism, devices."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from modelwright.core.errors import ConfigError, brief

_XLA_DETERMINISM = "--xla_gpu_deterministic_ops=true"


def make_deterministic(seed: int) -> None:
    """Seed everything and ask for operations that give the same bits each time.

    Raises:
        ConfigError: JAX has no device to compute on.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    if keras.config.backend() == "jax":
        _prepare_jax()


def gpu_details() -> dict[str, Any] | None:
    """Name and compute capability of the first GPU that the backend sees, None without one.

    Raises:
        ConfigError: JAX has no device to compute on.
    """
    if keras.config.backend() == "jax":
        return _jax_gpu()
    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return None
    details: dict[str, Any] = tf.config.experimental.get_device_details(devices[0])
    return details


def jit_compile() -> bool | str:
    """What ``compile`` is told of XLA.

    Under JAX nothing else compiles a step; under TensorFlow, on a processor, it is slower than
    TensorFlow's own graph.
    """
    return "auto" if keras.config.backend() == "jax" else False


def _prepare_jax() -> None:
    # XLA reads its flags when JAX first asks for a device. Processors need none.
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_XLA_DETERMINISM}".strip()
    # TensorFlow only cuts texts here; it would take the memory of the GPU from JAX. Once it
    # has begun, it can no longer be told.
    with suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")
    _jax_devices()


def _jax_gpu() -> dict[str, Any] | None:
    first = _jax_devices()[0]
    if first.platform != "gpu":
        return None
    parts = str(getattr(first, "compute_capability", "")).split(".")
    capability = tuple(int(part) for part in parts if part.isdigit())
    return {"device_name": first.device_kind, "compute_capability": capability}


def _jax_devices() -> list[Any]:
    import jax

    try:
        found: list[Any] = jax.devices()
    except RuntimeError as error:
        given = os.environ.get("JAX_PLATFORMS", "")
        raise ConfigError(
            f"JAX has nothing to compute on with JAX_PLATFORMS={given!r}:"
            f" {brief(error)} Set JAX_PLATFORMS=cpu, or leave it out."
        ) from None
    return found
