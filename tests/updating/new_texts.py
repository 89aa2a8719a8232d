"""New rows for the model of the reviews: the same labels with words that it does not know."""

from __future__ import annotations

import numpy as np

from sample_data import FILLER

GOOD = ["sturdy", "roomy", "结实", "宽敞"]
BAD = ["flimsy", "noisy", "松动", "吵闹"]


def new_rows(
    count: int, seed: int = 1, words: tuple[list[str], list[str]] = (BAD, GOOD)
) -> list[tuple[str, str]]:
    """Returns distinct rows, half of each class, whose telling words the model does not know."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        label, own = (("neg", words[0]), ("pos", words[1]))[number % 2]
        filler = random.choice(FILLER, 2)
        found.append((f"{filler[0]} {random.choice(own)} {seed}x{number} {filler[1]}", label))
    return found
