"""The settings of Keras and its backend that a run depends on: seed, determinism, devices."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from modelwright.core.backend import reset_keras_settings
from modelwright.core.errors import ConfigError, brief
from modelwright.core.hardware import detect
from modelwright.training.precision import choose_precision

_XLA_DETERMINISM = "--xla_gpu_deterministic_ops=true"


def make_deterministic(seed: int) -> None:
    """Sets Keras, all random seeds, and operations that give the same bits in every run.

    Raises:
        ConfigError: JAX finds no device.
    """
    reset_keras_settings()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    if keras.config.backend() == "jax":
        _make_jax_deterministic()


def gpu_details() -> dict[str, Any] | None:
    """Returns the name and compute capability of the backend's first GPU; None without a GPU.

    Raises:
        ConfigError: JAX finds no device.
    """
    if keras.config.backend() == "jax":
        return _jax_gpu()
    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return None
    details: dict[str, Any] = tf.config.experimental.get_device_details(devices[0])
    return details


def precision_here(setting: str, backend: str) -> dict[str, str]:
    """Returns the precision of a training on this machine and the reason, as a run records it.

    Args:
        setting: ``train.precision``.
        backend: Keras' backend.
    """
    return dict(vars(choose_precision(setting, detect(), gpu_details(), backend=backend)))


def jit_compile() -> bool | str:
    """Returns the ``jit_compile`` argument of ``keras.Model.compile``.

    Under JAX only XLA compiles a step. Under TensorFlow, on a processor, XLA is slower than
    TensorFlow's own graph.
    """
    return "auto" if keras.config.backend() == "jax" else False


def _make_jax_deterministic() -> None:
    # XLA reads its flags when JAX first looks for devices. Processors need no flag.
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_XLA_DETERMINISM}".strip()
    # Under JAX, TensorFlow only tokenizes texts, and would take GPU memory from JAX. After
    # TensorFlow has initialized its devices, they can no longer be hidden.
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
        devices: list[Any] = jax.devices()
    except RuntimeError as error:
        platforms = os.environ.get("JAX_PLATFORMS", "")
        raise ConfigError(
            f"JAX finds no device with JAX_PLATFORMS={platforms!r}: {brief(error)}"
            " Set JAX_PLATFORMS=cpu, or unset it."
        ) from None
    return devices


@contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Hides TensorFlow's warning about repeated tracing: every network of a study is a new one."""

    def is_other(record: logging.LogRecord) -> bool:
        return "retracing" not in str(record.msg)

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
