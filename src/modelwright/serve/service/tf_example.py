"""Features as ``tf.Example`` messages, which classify and regress take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.wire import messages


def of_features(features: Mapping[str, Sequence[bytes] | Sequence[float]]) -> bytes:
    """A serialised example with these features, each a list of bytes, integers or floats."""
    example = messages.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        first = values[0] if values else b""
        kept: Any = (
            feature.bytes_list
            if isinstance(first, bytes)
            else feature.int64_list
            if isinstance(first, int)
            else feature.float_list
        )
        kept.value.extend(values)
    return example.SerializeToString()  # type: ignore[no-any-return]


def of_input(given: Any) -> list[bytes]:
    """The serialised examples of an ``Input`` message, its context's features in each.

    A feature that an example has itself counts.
    """
    kind = given.WhichOneof("kind")
    if kind == "example_list":
        return [example.SerializeToString() for example in given.example_list.examples]
    if kind is None:
        return []
    found = []
    for own in given.example_list_with_context.examples:
        joined = messages.Example()
        joined.CopyFrom(given.example_list_with_context.context)
        for name, feature in own.features.feature.items():
            joined.features.feature[name].CopyFrom(feature)
        found.append(joined.SerializeToString())
    return found
