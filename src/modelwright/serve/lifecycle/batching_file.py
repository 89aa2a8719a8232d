"""Reads TensorFlow Serving's file of batching parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format

from modelwright.core.errors import ConfigError
from modelwright.serve.config import Batching, RequestLimits
from modelwright.wire import messages

_ROWS = 1000
_THREADS = 256
_WAIT = 10.0


def read_batching_file(path: Path, limits: RequestLimits) -> tuple[Batching, int]:
    """Returns the batching that the file asks for, and how many requests may wait.

    ``allowed_batch_sizes`` and ``pad_variable_length_inputs`` are checked and have no effect: the
    engines here take any number of rows.

    Raises:
        ConfigError: the file cannot be read, or a value is out of bounds.
    """
    parameters = messages.BatchingParameters()
    try:
        text_format.Parse(path.read_text("utf-8"), parameters)
    except (OSError, ValueError, text_format.ParseError) as error:
        raise ConfigError(f"the batching parameters {path} cannot be read: {error}.") from None
    rows = _number(parameters, "max_batch_size", _ROWS, limits.rows, path)
    threads = _number(parameters, "num_batch_threads", 0, _THREADS, path)
    micros = _number(parameters, "batch_timeout_micros", 0, int(_WAIT * 1e6), path)
    batches = _number(parameters, "max_enqueued_batches", 0, 2**20, path)
    sizes = list(parameters.allowed_batch_sizes)
    if sizes and (sizes != sorted(set(sizes)) or sizes[-1] != rows):
        raise ConfigError(
            f"allowed_batch_sizes in {path} are {sizes}; expected numbers that rise and end with"
            f" max_batch_size, {rows}."
        )
    queue = max(batches * rows, 1) if batches else limits.queue
    return Batching(rows, micros / 1e6, threads, requested=True), queue


def _number(parameters: Any, name: str, default: int, most: int, path: Path) -> int:
    if not parameters.HasField(name):
        return min(default, most)
    value = int(getattr(parameters, name).value)
    if not 0 <= value <= most or (name == "max_batch_size" and value < 1):
        raise ConfigError(f"{name} in {path} is {value}; expected at most {most}.")
    return value
