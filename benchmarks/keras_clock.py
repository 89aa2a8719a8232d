"""A clock for ``keras.Model.fit``: the times of every epoch, whoever calls it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Clock:
    """The times of every epoch of a ``fit``.

    ``training`` has the seconds of the steps of each epoch. ``ends`` has the seconds from the first
    step to the end of each epoch, with validation and everything else. ``begins`` has the readings
    of the clock at the start of each epoch. ``logs`` are the logs of Keras.
    """

    training: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    begins: list[float] = field(default_factory=list)
    logs: list[dict[str, float]] = field(default_factory=list)

    def begin(self) -> None:
        """Records the start of an epoch."""
        self.begins.append(time.perf_counter())

    def validate(self) -> None:
        """Records the end of the steps of an epoch."""
        self.training.append(time.perf_counter() - self.begins[-1])

    def end(self, logs: Mapping[str, Any]) -> None:
        """Records the end of an epoch."""
        self.ends.append(time.perf_counter() - self.begins[0])
        self.logs.append({key: float(value) for key, value in logs.items()})

    def rate(self, rows: int) -> float:
        """Returns the training rows per second, without the first epoch, which traces graphs."""
        return rows * len(self.training[1:]) / sum(self.training[1:])

    def reached(self, key: str, target: float) -> int | None:
        """Returns the first epoch, counted from 1, whose log is at least the target, or None."""
        return next((at + 1 for at, log in enumerate(self.logs) if log[key] >= target), None)


@contextmanager
def time_epochs(exchange: Callable[[Any], Any] | None = None) -> Iterator[Clock]:
    """Times every ``keras.Model.fit`` in the block. ``exchange`` can replace its data.

    Loads Keras as Modelwright does, unless the side has loaded it already.
    """
    from modelwright.core.backend import load_keras

    load_keras()
    import keras

    clock = Clock()
    original = keras.Model.fit
    # There are no callbacks for steps: Keras would wait for the metrics of each step.
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs=None: clock.begin(),
        on_test_begin=lambda logs=None: clock.validate(),
        on_epoch_end=lambda epoch, logs=None: clock.end(logs or {}),
    )

    def fit(self: Any, x: Any, *rest: Any, callbacks: Sequence[Any] = (), **options: Any) -> Any:
        x = exchange(x) if exchange else x
        return original(self, x, *rest, callbacks=[*callbacks, callback], **options)

    keras.Model.fit = fit
    try:
        yield clock
    finally:
        keras.Model.fit = original
