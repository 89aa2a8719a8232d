"""Converts between TensorFlow Serving's gRPC messages and the values of the service."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.servable import Tensors
from modelwright.serve.service.answers import ClassifyAnswer, RegressAnswer, Target
from modelwright.serve.service.tf_example import examples_from_input
from modelwright.wire import tensors


def parse_message(kind: Any, content: bytes) -> Any:
    """Returns the message of a request.

    gRPC could parse it too, but would tell the client how Python failed.

    Raises:
        Refused: the bytes are not such a message.
    """
    try:
        return kind.FromString(content)
    except DecodeError:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The {len(content):,} bytes of the request are no {kind.DESCRIPTOR.name} message.",
        ) from None


def serialize_message(message: Any) -> bytes:
    """Returns the bytes of a message."""
    content: bytes = message.SerializeToString()
    return content


def target_of(spec: Any) -> Target:
    """Returns what a ``ModelSpec`` means.

    Raises:
        Refused: it names no model.
    """
    if not spec.name:
        raise Refused("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    version = spec.version.value if spec.HasField("version") else None
    return Target(spec.name, version, spec.version_label or None, spec.signature_name)


def model_name(request: Any) -> str:
    """Returns the model that a request names; empty if it names none."""
    spec = getattr(request, "model_spec", None)
    return spec.name if spec is not None else ""


def fill_spec(spec: Any, target: Target, version: int) -> None:
    """Writes what answered into the ``ModelSpec`` of a response."""
    spec.name = target.model
    spec.signature_name = target.signature
    spec.version.value = version


def inputs_of(request: Any, limit: int) -> Tensors:
    """Returns the inputs of a ``PredictRequest``, each of at most ``limit`` elements.

    Raises:
        Refused: a tensor is invalid.
    """
    try:
        return {
            name: tensors.to_array(value, limit=limit) for name, value in request.inputs.items()
        }
    except ValueError as error:
        raise Refused("INVALID_ARGUMENT", f"tensor parsing error: {error}") from None


def examples_of(message: Any) -> list[bytes]:
    """Returns the serialized examples of an ``Input``.

    Raises:
        Refused: there are none.
    """
    examples = examples_from_input(message)
    if not examples:
        raise Refused("INVALID_ARGUMENT", "Input is empty; expected examples.")
    return examples


def fill_classes(result: Any, answer: ClassifyAnswer) -> None:
    """Writes labels and scores into a ``ClassificationResult``."""
    for row in answer.rows:
        added = result.classifications.add()
        for label, score in row:
            added.classes.add(label=label, score=score)


def fill_values(result: Any, answer: RegressAnswer) -> None:
    """Writes values into a ``RegressionResult``."""
    for value in answer.values.tolist():
        result.regressions.add(value=value)
