"""The largest weight that a new network may have, checked before it takes any memory.

A training needs several times the memory of the weights: for their gradients and for the averages
of the optimizer. Without this check a process would be killed without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod

from modelwright.core.errors import ConfigError

MOST_WEIGHTS = 2**29
"""Numbers in the largest weight of a network to train: 2 GiB in float32."""
_most: ContextVar[int | None] = ContextVar("most_weights", default=None)


@contextmanager
def limited_weights(most: int | None = MOST_WEIGHTS) -> Iterator[None]:
    """Refuses larger weights in the block. Networks that were trained before have no limit."""
    token = _most.set(most)
    try:
        yield
    finally:
        _most.reset(token)


def is_new() -> bool:
    """Returns whether the network that this block builds is to be trained from the start."""
    return _most.get() is not None


def check_weight(name: str, shape: tuple[int, ...], advice: str) -> None:
    """Checks the size of a weight before it is created.

    Args:
        name: What the weight belongs to, for the message.
        shape: Its shape.
        advice: What makes it smaller.

    Raises:
        ConfigError: The weight is larger than the limit of this block.
    """
    most, count = _most.get(), prod(shape)
    if most is not None and count > most:
        raise ConfigError(
            f"{name} would have {' x '.join(f'{size:,}' for size in shape)} = {count:,} weights,"
            f" {count / 2**28:.1f} GiB, and a training takes several times as much; expected at"
            f" most {most:,}, {most / 2**28:.1f} GiB. {advice}"
        )
