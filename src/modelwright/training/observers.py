"""Observers of a training. They are called after each step and epoch, and can stop it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.types import Progress

if TYPE_CHECKING:
    from modelwright.training.measuring import MeasuredTraining


@dataclass(frozen=True)
class Step:
    """A finished step.

    ``number`` counts the steps of all epochs from 1, and ``total`` is their number. ``values`` are
    the running metrics of the epoch, ``history`` those of the epochs before.
    """

    epoch: int
    epochs: int
    number: int
    total: int
    values: Mapping[str, float]
    history: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Epoch:
    """A finished epoch.

    ``number`` counts from 1, and ``best`` is the number of the best epoch so far. ``network`` is
    the current network, which an observer must not change.
    """

    number: int
    epochs: int
    best: int
    values: Mapping[str, float]
    history: Sequence[Mapping[str, float]]
    learning_rate: float
    network: Any


class Observer:
    """An observer that does nothing. Subclasses override the methods that they need."""

    def on_step(self, step: Step) -> None:
        """Called after each step."""

    def on_epoch(self, epoch: Epoch) -> str | None:
        """Called after each epoch is saved. A returned text stops the training as its reason."""
        return None

    def on_end(self) -> None:
        """Called once when the training has ended for any reason."""

    def on_measured(self, training: MeasuredTraining) -> None:
        """Called once after a finished training was measured, with its network still in memory."""


class ProgressDisplay(Observer):
    """Reports each step to a progress function."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step(self, step: Step) -> None:
        """Reports the epoch, its running metrics and the last validation accuracy."""
        text = f"epoch {step.epoch}/{step.epochs}"
        if step.values:
            text += f"  loss {step.values['loss']:.4f}  accuracy {step.values['accuracy']:.4f}"
        if step.history and "val_accuracy" in step.history[-1]:
            text += f"  val {step.history[-1]['val_accuracy']:.4f}"
        self._progress(text, step.number, step.total)


class TensorBoardLog(Observer):
    """Writes the metrics of each epoch for TensorBoard, with the same tags as Keras.

    ``histograms`` says whether it also writes the distribution of each weight.
    """

    def __init__(self, folder: Path, *, histograms: bool = False) -> None:
        self._folder = folder
        self._histograms = histograms
        self._writers: dict[str, Any] = {}

    def on_epoch(self, epoch: Epoch) -> None:
        """Writes training metrics and validation metrics to separate logs."""
        position = epoch.number - 1
        with system_errors(self._folder):
            for name, value in epoch.values.items():
                if name != "epoch":
                    kind = "validation" if name.startswith("val_") else "train"
                    self._write(kind, f"epoch_{name.removeprefix('val_')}", value, position)
            self._write("train", "epoch_learning_rate", epoch.learning_rate, position)
            if self._histograms:
                self._write_weights(epoch.network, position)
            for writer in self._writers.values():
                writer.flush()

    def on_end(self) -> None:
        """Closes the logs."""
        with system_errors(self._folder):
            for writer in self._writers.values():
                writer.close()

    def _write_weights(self, network: Any, step: int) -> None:
        import tensorflow as tf

        with self._writers["train"].as_default():
            for weight in network.weights:
                tf.summary.histogram(weight.path, weight.numpy(), step=step)

    def _write(self, kind: str, tag: str, value: float, step: int) -> None:
        import tensorflow as tf

        if kind not in self._writers:
            self._writers[kind] = tf.summary.create_file_writer(str(self._folder / kind))
        with self._writers[kind].as_default():
            tf.summary.scalar(tag, value, step=step)


@contextmanager
def system_errors(folder: Path) -> Iterator[None]:
    """Turns TensorFlow's report of a refused write into the system's error that it was."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from None
    except tf.errors.PermissionDeniedError:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from None
