"""What all strategies learn from in one order: rows in the form that a network reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import Dataset, FloatArray, IntArray, Progress, Rows, Split, SplitName
from modelwright.data.rows import pool_rows
from modelwright.learning.lesson import LessonRows
from modelwright.streams.domains import StreamData, TaggedRows
from modelwright.streams.orders import Order
from modelwright.training.batches import TokenIds, encode_rows


@dataclass(frozen=True)
class Classes:
    """The classes of a stream in the order in which they arrive.

    Attributes:
        names: names of all classes.
        known: number of classes that are known after each step.
        position_of: maps the position of a label in the data to its position here.
    """

    names: tuple[str, ...]
    known: tuple[int, ...]
    position_of: IntArray


@dataclass(frozen=True)
class StepRows:
    """Rows of one split, as one order brings them.

    Attributes:
        rows: the rows as they were read.
        labels: class of each row, a position among the classes in their order of arrival, ``[n]``.
        steps: the step that brings each row, ``[n]``.
        digests: content hashes, ``[n, 2]``.
    """

    rows: Rows
    labels: IntArray
    steps: IntArray
    digests: Any

    def __len__(self) -> int:
        return len(self.labels)

    def of_step(self, step: int) -> IntArray:
        """Returns the positions of the rows that a step brings."""
        return np.flatnonzero(self.steps == step)

    def content_bytes(self, chosen: IntArray) -> int:
        """Returns the bytes that the content of some rows takes: UTF-8, or decoded pixels."""
        inputs = self.rows.take(chosen)
        if isinstance(inputs, list):
            return sum(len(text.encode("utf-8")) for text in inputs)
        return int(inputs.nbytes)


@dataclass(frozen=True)
class Material:
    """The rows of one order.

    Attributes:
        order: the order.
        classes: the classes in their order of arrival.
        train: the training rows.
        test: the test rows of all domains. They never train anything.
    """

    order: Order
    classes: Classes
    train: StepRows
    test: StepRows


def make_material(stream: StreamData, order: Order) -> Material:
    """Returns the rows of one order.

    Raises:
        DataError: the first step has one class.
    """
    train = stream.rows["train"]
    classes = _arrival(stream, order.step_of(train.tags), len(order.steps))
    if classes.known[0] < 2:
        raise DataError(
            f"the training rows of '{order.names[0]}', the first of order {order.number}, have one"
            f" class, '{classes.names[0]}'; a network begins with at least two. Give stream.orders"
            " that begin with another domain, or more rows of this one, with a larger stream.limit"
            " where it has one."
        )
    return Material(
        order,
        classes,
        _step_rows(train, order, classes),
        _step_rows(stream.rows["test"], order, classes),
    )


def first_data(stream: StreamData, material: Material) -> Dataset:
    """Returns the rows of the first step, for an ordinary training. No test row is among them."""
    order, classes = material.order, material.classes
    splits: dict[SplitName, Split] = {}
    for name, tagged in stream.rows.items():
        rows = _step_rows(tagged, order, classes)
        chosen = rows.of_step(0)
        chosen = chosen[rows.labels[chosen] < classes.known[0]]
        if name != "test" and len(chosen):
            digests = None if rows.digests is None else rows.digests[chosen]
            inputs = pool_rows([rows.rows], chosen)
            splits[name] = Split(inputs, rows.labels[chosen], digests)
    return replace(
        stream.data,
        labels=classes.names[: classes.known[0]],
        splits=splits,
        fingerprint=f"{stream.fingerprint}-{order.number} {order.names[0]}",
        rejected=(),
        notes=(),
        dropped=None,
    )


def encoded(rows: Rows, tokenizer: Any | None, progress: Progress | None = None) -> Any:
    """Returns rows as a network reads them; the same rows are encoded once for a vocabulary."""
    return encode_rows(rows, tokenizer, progress)


def choose(inputs: Any, chosen: IntArray) -> Any:
    """Returns some of the encoded rows, in the given order."""
    if isinstance(inputs, TokenIds):
        return TokenIds(inputs.array[chosen])
    return pool_rows([inputs], chosen)


def lesson_rows(
    inputs: Any, labels: IntArray, chosen: IntArray, outputs: FloatArray | None = None
) -> LessonRows:
    """Returns some rows in the form of a lesson."""
    return LessonRows(choose(inputs, chosen), labels[chosen], outputs)


def _arrival(stream: StreamData, steps: IntArray, count: int) -> Classes:
    labels = stream.rows["train"].split.labels
    arrived: list[int] = []
    known = []
    for step in range(count):
        found: Sequence[int] = np.unique(labels[steps == step]).tolist()
        arrived += [label for label in found if label not in arrived]
        known.append(len(arrived))
    names = stream.data.labels
    arrived += [label for label in range(len(names)) if label not in arrived]
    position_of = np.empty(len(names), np.int64)
    position_of[arrived] = np.arange(len(arrived))
    return Classes(tuple(names[label] for label in arrived), tuple(known), position_of)


def _step_rows(tagged: TaggedRows, order: Order, classes: Classes) -> StepRows:
    split = tagged.split
    return StepRows(
        rows=split.inputs,
        labels=classes.position_of[split.labels],
        steps=order.step_of(tagged.tags),
        digests=split.digests,
    )
