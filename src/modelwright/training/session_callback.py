"""The callback through which Keras reports its steps and epochs to a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras

from modelwright.training.observers import Observer, Step
from modelwright.training.step_times import StepTimes

if TYPE_CHECKING:
    from modelwright.training.session import Session


class SessionCallback(keras.callbacks.Callback):
    """Passes Keras' events to a session and its observers."""

    def __init__(
        self,
        session: Session,
        observers: list[Observer],
        check_interrupt: Callable[[], None],
        times: StepTimes,
    ) -> None:
        super().__init__()
        self._session = session
        self._observers = observers
        self._check_interrupt = check_interrupt
        self._times = times
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Sets the order of this epoch's rows."""
        self._epoch = epoch
        self._session.batches.start_epoch(epoch)
        self._times.start_epoch()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Calls the observers, and stops here if the user pressed Ctrl-C."""
        self._times.end_step()
        steps, epochs = len(self._session.batches), self._session.epochs
        number = self._epoch * steps + batch + 1
        if self._session.group.asked_to_stop(number, self._interrupted()):
            raise KeyboardInterrupt
        step = Step(
            epoch=self._epoch + 1,
            epochs=epochs,
            number=number,
            total=epochs * steps,
            values=logs or {},
            history=self._session.checkpoint.history,
        )
        for observer in self._observers:
            observer.on_step(step)

    def _interrupted(self) -> bool:
        try:
            self._check_interrupt()
        except KeyboardInterrupt:
            return True
        return False

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the epoch, calls the observers, and stops the training if it must end."""
        # Reading ``self.model`` also copies a JAX trainer's state back to its variables.
        session, finished = self._session, self._session.finish_epoch(self.model, logs or {})
        reasons = [observer.on_epoch(finished) for observer in self._observers]
        reasons = [session.group.broadcast("; ".join(filter(None, reasons)).encode()).decode()]
        if session.early_stopping.exhausted(session.checkpoint.history):
            self.model.stop_training = True
        elif finished.number < finished.epochs and (asked := list(filter(None, reasons))):
            session.stop_reason = "; ".join(asked)
            self.model.stop_training = True
