"""Warm-up requests: TensorFlow Serving answers them before a version becomes available.

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
"""The most records that TensorFlow Serving accepts."""


def write_warmup_requests(path: Path, model: str, rows: Sequence[RawInput], task: Task) -> None:
    """Writes one request with the first row, and one with all rows."""
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


def read_warmup_requests(path: Path, most: int = MOST) -> list[Any]:
    """Returns the ``PredictRequest`` messages of a file.

    Records of other methods are skipped, but count: like TensorFlow Serving, this refuses a file
    with more than ``most`` records.

    Raises:
        ServableError: the file cannot be read, or has more records.
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
