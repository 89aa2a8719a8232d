"""``tf.Example`` messages, which classify and regress take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.wire import messages


def example_from_features(features: Mapping[str, Sequence[bytes] | Sequence[float]]) -> bytes:
    """Returns a serialized example; each feature is a list of bytes, integers or floats."""
    example = messages.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        first = values[0] if values else b""
        typed: Any = (
            feature.bytes_list
            if isinstance(first, bytes)
            else feature.int64_list
            if isinstance(first, int)
            else feature.float_list
        )
        typed.value.extend(values)
    serialized: bytes = example.SerializeToString()
    return serialized


def examples_from_input(message: Any) -> list[bytes]:
    """Returns the serialized examples of an ``Input`` message, with its context in each.

    A feature of the example itself takes precedence over one of the context.
    """
    kind = message.WhichOneof("kind")
    if kind == "example_list":
        return [example.SerializeToString() for example in message.example_list.examples]
    if kind is None:
        return []
    serialized = []
    for example in message.example_list_with_context.examples:
        joined = messages.Example()
        joined.CopyFrom(message.example_list_with_context.context)
        for name, feature in example.features.feature.items():
            joined.features.feature[name].CopyFrom(feature)
        serialized.append(joined.SerializeToString())
    return serialized
