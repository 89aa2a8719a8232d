"""Requests that TensorFlow Serving answers before it calls a version available.

``assets.extra/tf_serving_warmup_requests`` is a TFRecord of ``tensorflow.serving.PredictionLog``
(https://www.tensorflow.org/tfx/serving/saved_model_warmup).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from modelwright.core.errors import ServableError
from modelwright.core.types import RawInput, Task
from modelwright.servable.manifest import INPUT_NAMES
from modelwright.wire import messages, tensors
from modelwright.wire.records import read_records, write_records

WARMUP = "assets.extra/tf_serving_warmup_requests"
MOST = 1000
"""Records that TensorFlow Serving takes at the most."""


def write(path: Path, model: str, rows: Sequence[RawInput], task: Task) -> None:
    """Write one request of one row, and one of all rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    logs = []
    for batch in (rows[:1], rows):
        log = messages.PredictionLog()
        request = log.predict_log.request
        request.model_spec.name = model
        request.model_spec.signature_name = "serving_default"
        values = np.empty(len(batch), object)
        values[:] = list(batch)
        tensors.to_proto(values, request.inputs[INPUT_NAMES[task]])
        logs.append(log.SerializeToString())
    write_records(path, logs)


def read(path: Path, most: int = MOST) -> list[Any]:
    """The ``PredictRequest`` messages of a file.

    Records of other methods are left out, and count: a file of more than ``most`` is refused,
    as TensorFlow Serving does.

    Raises:
        ServableError: it cannot be read, or has more records.
    """
    requests = []
    try:
        for record in read_records(path, most):
            log = messages.PredictionLog.FromString(record)
            if log.WhichOneof("log_type") == "predict_log":
                requests.append(log.predict_log.request)
    except (OSError, ValueError, DecodeError) as error:
        raise ServableError(f"the warm-up requests cannot be read: {error}") from None
    return requests
