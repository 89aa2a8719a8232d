"""How far a single explanation is true: fidelity, stability, and what its segments decide."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from modelwright.core.types import BoolArray, FloatArray
from modelwright.explaining.method import MaskableRow, Method, Weights

NAMED = 5
"""Number of segments that an explanation names for the label, and against it."""
SEEDS = 3
LEAST_FIDELITY = 0.3
"""Below this, an explanation says that it describes the model badly. On 80 images of CIFAR-10, the
quarter with the lowest fidelity, 0.12 to 0.38, gained a third less over random cells than the
half with the highest."""
LEAST_STABILITY = 0.5
STILL = 1e-4
"""Log-odds that move less than this do not move."""
_RANDOM_SETS = 10


@dataclass(frozen=True)
class Quality:
    """The measured quality of one explanation.

    Attributes:
        fidelity: how well the weights describe the model around the row, 1 at best; None where
            the method has no such measure.
        stability: the mean overlap of the five most important segments of explanations with
            three seeds, 0 to 1.
        seeds: the number of seeds; 1 where the method draws nothing.
        named: the positions of the segments that speak most for the label, at most five.
        probability: of the label, for the whole row.
        probability_without: of the label, without the named segments.
        probability_without_random: the mean without as many random segments, of ten draws; None
            where the named segments are all there are.
    """

    fidelity: float | None
    stability: float
    seeds: int
    named: tuple[int, ...]
    probability: float
    probability_without: float
    probability_without_random: float | None

    @property
    def warnings(self) -> list[str]:
        """Why a reader should not trust the weights; empty if nothing speaks against them."""
        bad = "these weights describe the model badly here"
        found = []
        if self.fidelity is not None and self.fidelity < LEAST_FIDELITY:
            found.append(f"{bad}: their fidelity is {self.fidelity:.2f}, below {LEAST_FIDELITY}")
        if self.stability < LEAST_STABILITY:
            found.append(
                f"{bad}: another seed names other segments; three seeds agree by"
                f" {self.stability:.2f}, below {LEAST_STABILITY}"
            )
        usual = self.probability_without_random
        if self.named and usual is not None and self.probability_without >= usual:
            found.append(
                f"{bad}: without the named segments the probability falls no further than without"
                " as many random ones"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "fidelity": self.fidelity,
            "least_fidelity": LEAST_FIDELITY,
            "stability": self.stability,
            "seeds": self.seeds,
            "deterministic": self.seeds == 1,
            "named": list(self.named),
            "probability": self.probability,
            "probability_without_named": self.probability_without,
            "probability_without_random": self.probability_without_random,
            "warnings": self.warnings,
        }


def measure_quality(
    method: Method, row: MaskableRow, label: int, seed: int, weights: Weights
) -> Quality:
    """Returns the quality of the weights that ``method`` gave with ``seed``."""
    seeds = SEEDS if method.random else 1
    found = [weights.values]
    found += [method.weigh(row, label, seed + more).values for more in range(1, seeds)]
    named = strongest(weights.values, NAMED)
    kept = _masks(len(row.segments), named, seed)
    answers = row.answer(kept)[:, label].astype(float)
    return Quality(
        fidelity=weights.fidelity,
        stability=_agreement(found),
        seeds=seeds,
        named=named,
        probability=float(answers[0]),
        probability_without=float(answers[1]),
        probability_without_random=float(answers[2:].mean()) if len(answers) > 2 else None,
    )


def strongest(values: FloatArray, count: int) -> tuple[int, ...]:
    """Returns the positions of the largest weights above zero, the largest first."""
    order = np.argsort(-values, kind="stable")[:count]
    return tuple(int(at) for at in order if values[at] > STILL)


def _masks(segments: int, named: tuple[int, ...], seed: int) -> BoolArray:
    """Returns masks: everything, without the named segments, without as many random ones."""
    random = np.random.default_rng(seed)
    sets = [[], list(named)]
    if 0 < len(named) < segments:
        sets += [
            random.choice(segments, len(named), replace=False).tolist() for _ in range(_RANDOM_SETS)
        ]
    kept = np.ones((len(sets), segments), bool)
    for position, taken_out in enumerate(sets):
        kept[position, taken_out] = False
    return kept


def _agreement(found: list[FloatArray]) -> float:
    """Returns the mean overlap of the most important segments of each two explanations."""
    tops = [set(np.argsort(-np.abs(one), kind="stable")[:NAMED].tolist()) for one in found]
    shares = [len(one & other) / len(one) for one, other in combinations(tops, 2)]
    return float(np.mean(shares)) if shares else 1.0
