"""The callback that keeps a training: best weights, early stopping, and where to go on from.

After each epoch it writes the best weights when they are, then one checkpoint with every
variable of model and optimiser (the states of dropout's random generators among them) and the
history. A training that was killed goes on from the last whole epoch with the same bits.
"""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.core.errors import RunError
from modelwright.core.files import move_into_place, write_atomic, write_text
from modelwright.core.types import Progress
from modelwright.runs.run import CHECKPOINT, WEIGHTS
from modelwright.training.batches import TrainingBatches


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps ``history`` (one dict an epoch) and ``best`` (the number of the best epoch)."""

    def __init__(
        self,
        folder: Path,
        batches: TrainingBatches,
        *,
        monitor: str,
        patience: int,
        epochs: int,
        progress: Progress | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.batches = batches
        self.monitor = monitor
        self.patience = patience
        self.epochs = epochs
        self.progress = progress
        self.history: list[dict[str, float]] = []
        self.check_interrupt: Callable[[], None] = lambda: None
        self._epoch = 0
        self._earlier = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the training has taken, with what came before a break."""
        return self._earlier + time.monotonic() - self._started

    @property
    def best(self) -> int | None:
        """Position in ``history`` of the best epoch so far, the first among equals."""
        if not self.history:
            return None
        sign = -1 if self.monitor.endswith("loss") else 1
        scores = [sign * epoch[self.monitor] for epoch in self.history]
        return int(np.argmax(scores))

    @property
    def exhausted(self) -> bool:
        """Whether the last ``patience`` epochs brought nothing better."""
        best = self.best
        return (
            self.patience > 0 and best is not None and len(self.history) - 1 - best >= self.patience
        )

    def restore(self) -> bool:
        """Put model and optimiser where the checkpoint left them; False when there is none.

        Raises:
            RunError: the checkpoint cannot be read or belongs to another model.
        """
        path = self.folder / CHECKPOINT
        if not path.exists():
            return False
        variables = self._variables()
        try:
            with np.load(path, allow_pickle=False) as stored:
                self.history = json.loads(str(stored["history"]))
                self._earlier = float(stored["seconds"])
                values = [stored[f"variable_{i}"] for i in range(int(stored["variables"]))]
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint {path} cannot be read: {error}.") from None
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
            raise RunError(f"the checkpoint {path} belongs to another model than its config.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return True

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take the order of this epoch's rows."""
        self._epoch = epoch
        self.batches.start_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Tell the progress, and stop here where a person asked for it."""
        self.check_interrupt()
        if self.progress:
            steps = len(self.batches)
            what = f"epoch {self._epoch + 1}/{self.epochs}"
            if logs:
                what += f"  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}"
            if self.history and "val_accuracy" in self.history[-1]:
                what += f"  val {self.history[-1]['val_accuracy']:.4f}"
            self.progress(what, self._epoch * steps + batch + 1, self.epochs * steps)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep this epoch."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        self.history.append({"epoch": epoch + 1, **values})
        if not math.isfinite(values["loss"]):
            raise RunError(
                f"the loss became {values['loss']} in epoch {epoch + 1}; try a smaller"
                " train.learning_rate, train.clip_norm=1, or train.precision=float32."
            )
        if self.best == len(self.history) - 1:
            partial = self.folder / f".partial.{WEIGHTS}"
            self.model.save_weights(partial)
            move_into_place(partial, self.folder / WEIGHTS)
        write_atomic(self.folder / CHECKPOINT, self._save)
        self._write_history()
        if self.exhausted:
            self.model.stop_training = True

    def _variables(self) -> list[Any]:
        # Keras' ``self.model`` also brings back what a JAX trainer keeps outside of its variables.
        self.model.optimizer.build(self.model.trainable_variables)
        return [*self.model.variables, *self.model.optimizer.variables]

    def _save(self, file: Any) -> None:
        variables = self._variables()
        arrays = {f"variable_{i}": np.asarray(value) for i, value in enumerate(variables)}
        arrays["seconds"] = np.array(self.seconds)
        arrays["history"] = np.array(json.dumps(self.history))
        arrays["variables"] = np.array(len(variables))
        np.savez(file, allow_pickle=False, **arrays)

    def _write_history(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        write_text(self.folder / "history.csv", text.getvalue())
