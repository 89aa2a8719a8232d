"""Features of ``tf.Example`` messages as inputs, and outputs of a model as classes and values."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from modelwright.core.types import FloatArray
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.servable import Tensors
from modelwright.wire import messages


def single_values(examples: Sequence[bytes], name: str) -> list[bytes]:
    """Returns the one text or file that each serialized example has as a feature.

    Raises:
        Refused: an example has none, or several.
    """
    values = []
    for position, content in enumerate(examples):
        example = messages.Example()
        example.ParseFromString(content)
        feature = example.features.feature[name].bytes_list.value
        if len(feature) != 1:
            raise Refused(
                "INVALID_ARGUMENT",
                f"example {position} has {len(feature)} values of '{name}'; expected one text or"
                " file.",
            )
        values.append(feature[0])
    return values


def classes_of(outputs: Tensors, count: int) -> list[list[tuple[str, float]]]:
    """Returns the labels with their scores for each of ``count`` examples.

    Raises:
        Refused: the outputs are not those of a classification.
    """
    names, scores = outputs.get("classes"), outputs.get("scores")
    shaped = next((array for array in (names, scores) if array is not None), None)
    if shaped is None or shaped.ndim != 2 or len(shaped) != count:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The classification gave {sorted(outputs)}; expected 'classes', 'scores' or both, a"
            f" row for each of {count} examples.",
        )
    width = shaped.shape[1]
    labels = [[""] * width] * count
    if names is not None:
        labels = [[label.decode("utf-8", "replace") for label in row] for row in names]
    values = np.zeros((count, width)) if scores is None else scores
    return [
        list(zip(row, numbers, strict=True))
        for row, numbers in zip(labels, values.tolist(), strict=True)
    ]


def values_of(outputs: Tensors, count: int) -> FloatArray:
    """Returns the value of each of ``count`` examples, float32 ``[count]``.

    Raises:
        Refused: the outputs are not those of a regression.
    """
    (values,) = outputs.values()
    if values.size != count:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The regression gave the shape {list(values.shape)}; expected a value for each of"
            f" {count} examples.",
        )
    return values.reshape(-1).astype(np.float32)


def select_outputs(outputs: Tensors, names: Collection[str]) -> Tensors:
    """Returns the outputs of these names, or all outputs if there are no names.

    Raises:
        Refused: a name is unknown, or is there twice.
    """
    if not names:
        return outputs
    for name in names:
        if name not in outputs:
            raise Refused(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {name} Outputs expected to be in"
                f" the set {{{','.join(sorted(outputs))}}}.",
            )
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if list(names).count(name) > 1)
        raise Refused("INVALID_ARGUMENT", f"duplicate output tensor alias: {duplicate}")
    return {name: outputs[name] for name in names}
