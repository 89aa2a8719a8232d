"""The state of TensorFlow and Keras that a run depends on: seeds, determinism, devices."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf


def prepare(seed: int) -> None:
    """Seed everything and ask for operations that give the same bits each time."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def gpu_details() -> dict[str, Any] | None:
    """Name and compute capability of the first GPU that TensorFlow sees, None without one."""
    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return None
    details: dict[str, Any] = tf.config.experimental.get_device_details(devices[0])
    return details
