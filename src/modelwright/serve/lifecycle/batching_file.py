"""TensorFlow Serving's file of batching parameters, as far as it means something here."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format

from modelwright.core.errors import ConfigError
from modelwright.serve.config import Batching, Limits
from modelwright.wire import messages

_ROWS = 1000
_THREADS = 256
_WAIT = 10.0


def read(path: Path, limits: Limits) -> tuple[Batching, int]:
    """What the file asks for, and how many requests may wait.

    ``allowed_batch_sizes`` and ``pad_variable_length_inputs`` are checked and then change
    nothing: the engines here take any number of rows.

    Raises:
        ConfigError: it cannot be read, or asks for what cannot be.
    """
    asked = messages.BatchingParameters()
    try:
        text_format.Parse(path.read_text("utf-8"), asked)
    except (OSError, ValueError, text_format.ParseError) as error:
        raise ConfigError(f"the batching parameters {path} cannot be read: {error}.") from None
    rows = _number(asked, "max_batch_size", _ROWS, limits.rows, path)
    threads = _number(asked, "num_batch_threads", 0, _THREADS, path)
    micros = _number(asked, "batch_timeout_micros", 0, int(_WAIT * 1e6), path)
    batches = _number(asked, "max_enqueued_batches", 0, 2**20, path)
    sizes = list(asked.allowed_batch_sizes)
    if sizes and (sizes != sorted(set(sizes)) or sizes[-1] != rows):
        raise ConfigError(
            f"allowed_batch_sizes in {path} are {sizes}; expected numbers that rise and end with"
            f" max_batch_size, {rows}."
        )
    queue = max(batches * rows, 1) if batches else limits.queue
    return Batching(rows, micros / 1e6, threads, asked=True), queue


def _number(asked: object, name: str, default: int, most: int, path: Path) -> int:
    if not asked.HasField(name):  # type: ignore[attr-defined]
        return min(default, most)
    value = int(getattr(asked, name).value)
    if not 0 <= value <= most or (name == "max_batch_size" and value < 1):
        raise ConfigError(f"{name} in {path} is {value}; expected at most {most}.")
    return value
