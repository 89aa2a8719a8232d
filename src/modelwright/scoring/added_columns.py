"""The columns that scoring adds: the label, its probability, all probabilities, and the error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class AddedColumns:
    """Their names: ``predicted_label``, ``probability``, ``probability_LABEL`` and ``error``."""

    labels: tuple[str, ...]
    suffix: str = ""

    @property
    def names(self) -> list[str]:
        """The names in the order in which they are added."""
        each = [f"probability_{label}" for label in self.labels]
        plain = ["predicted_label", "probability", *each, "error"]
        return [f"{name}{self.suffix}" for name in plain]

    @property
    def schema(self) -> Any:
        """Their types."""
        kinds = [pa.string(), pa.float32(), *(pa.float32() for _ in self.labels), pa.string()]
        return pa.schema(list(zip(self.names, kinds, strict=True)))

    def make(self, faults: Any, answers: Any) -> Any:
        """Returns the columns ``[n]`` of a chunk, a record batch.

        Args:
            faults: Why a row cannot be asked; null for the others.
            answers: The answers, with ``probabilities`` and ``fault``.
        """
        errors = pc.coalesce(faults, answers.column("fault"))
        classes = len(self.labels)
        flat = answers.column("probabilities").flatten().to_numpy(zero_copy_only=False)
        probabilities = flat.reshape(-1, classes)
        bad = np.asarray(errors.is_valid().to_numpy(zero_copy_only=False), bool)
        best = np.zeros(len(bad), np.int64)
        best[~bad] = probabilities[~bad].argmax(axis=1)
        label = pa.array(self.labels, pa.string()).take(pa.array(best, mask=bad))
        score = pa.array(probabilities[np.arange(len(best)), best], mask=bad)
        each = [pa.array(np.ascontiguousarray(p), mask=bad) for p in probabilities.T]
        return pa.record_batch([label, score, *each, errors], schema=self.schema)


def add_columns(labels: Sequence[str], names: Sequence[str]) -> AddedColumns:
    """Returns the added columns, with a suffix if the input has one of their names."""
    suffix, number = "", 1
    while set(names) & set(AddedColumns(tuple(labels), suffix).names):
        number += 1
        suffix = f"_{number}"
    return AddedColumns(tuple(labels), suffix)


def unique_names(names: Sequence[str]) -> list[str]:
    """Returns the names; one that occurs again gets a number."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        new = name if seen[name] == 1 else f"{name}_{seen[name]}"
        while new in found or (new != name and new in names):
            seen[name] += 1
            new = f"{name}_{seen[name]}"
        found.append(new)
    return found
