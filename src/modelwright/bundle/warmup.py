"""Requests that TensorFlow Serving answers before it calls a version available.

``assets.extra/tf_serving_warmup_requests`` is a TFRecord of ``tensorflow.serving.PredictionLog``
(https://www.tensorflow.org/tfx/serving/saved_model_warmup). Of those messages only the fields
that a predict request needs are declared here, with their published numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from modelwright.bundle.manifest import INPUT_NAMES
from modelwright.core.types import RawInput, Task

WARMUP = "assets.extra/tf_serving_warmup_requests"
_FIELD = descriptor_pb2.FieldDescriptorProto


def write(path: Path, model: str, rows: Sequence[RawInput], task: Task) -> None:
    """Write one request of one row, and one of all rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log_type = _message_class()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in (rows[:1], rows):
            log = log_type()
            request = log.predict_log.request
            request.model_spec.name = model
            request.model_spec.signature_name = "serving_default"
            tensor = tf.make_tensor_proto(list(batch), tf.string, [len(batch)])
            request.inputs.add(key=INPUT_NAMES[task], value=tensor.SerializeToString())
            writer.write(log.SerializeToString())


def _message_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="modelwright/warmup.proto", package="modelwright.warmup", syntax="proto3"
    )
    # A map entry and a nested message have the same bytes as these plain fields.
    _add(file, "Input", [("key", 1, "string"), ("value", 2, "bytes")])
    _add(file, "ModelSpec", [("name", 1, "string"), ("signature_name", 3, "string")])
    _add(file, "PredictRequest", [("model_spec", 1, "ModelSpec"), ("inputs", 2, "Input*")])
    _add(file, "PredictLog", [("request", 1, "PredictRequest")])
    _add(file, "PredictionLog", [("predict_log", 6, "PredictLog")])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    described = pool.FindMessageTypeByName("modelwright.warmup.PredictionLog")
    return message_factory.GetMessageClass(described)


def _add(
    file: descriptor_pb2.FileDescriptorProto, name: str, fields: list[tuple[str, int, str]]
) -> None:
    message = file.message_type.add(name=name)
    scalars = {"string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES}
    for field, number, kind in fields:
        repeated = kind.endswith("*")
        added = message.field.add(
            name=field,
            number=number,
            label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
            type=scalars.get(kind, _FIELD.TYPE_MESSAGE),
        )
        if kind not in scalars:
            added.type_name = f".modelwright.warmup.{kind.rstrip('*')}"
