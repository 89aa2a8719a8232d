"""A training session: one training, from prepared rows to a finished run.

Features that need more of a training than its config, such as tuning, updating, distillation and
federated learning, use ``Extras``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.core.errors import RunError
from modelwright.core.files import write_bytes
from modelwright.core.hardware import detect
from modelwright.core.types import Dataset, FloatArray, Progress, Rows
from modelwright.models import graph_tokenizer
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, check_options
from modelwright.models.spaceless_scripts import choose_tokens
from modelwright.runs.run import CHECKPOINT, VOCABULARY, Run
from modelwright.training import optimizers, runtime
from modelwright.training.augmentation import Augmentation
from modelwright.training.batches import (
    LabeledBatches,
    TokenIds,
    TrainingBatches,
    encode_rows,
    to_keras_data,
)
from modelwright.training.checkpoint import Checkpoint
from modelwright.training.early_stopping import EarlyStopping
from modelwright.training.extras import Extras, add_loss, checked_record
from modelwright.training.interrupt import deferred_interrupt
from modelwright.training.observers import Epoch, Observer, ProgressDisplay, Step, TensorBoardLog
from modelwright.training.precision import choose_precision
from modelwright.training.starting_weights import (
    Source,
    StartReport,
    check_source,
    copy_weights,
    freeze,
    load_source,
)

_VALIDATION_BATCH = 256
_VOCABULARY_BATCH = 1024


class Session:
    """The rows, network, batches and checkpoint of one training.

    Attributes:
        run: the run folder that it writes.
        data: the rows.
        network: the compiled ``keras.Model``.
        batches: the training batches.
        checkpoint: the history and the saved state.
        inputs: the encoded training and validation rows by split.
        started_from: the report of the weights copied from another model; None without a copy.
        frozen: names of the layers that are not trained.
        stop_reason: why the user or an observer stopped the training; None otherwise.
    """

    def __init__(
        self,
        run: Run,
        data: Dataset,
        *,
        extras: Extras | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Prepares everything up to the first step. ``fit`` trains.

        Args:
            run: an unfinished run. If it has a checkpoint, the training continues from there.
            data: the run's rows.
            extras: additions to the config.
            progress: called with each step.

        Raises:
            ConfigError: the extras do not fit the network.
            RunError: the checkpoint cannot be used, or was trained with other extras.
        """
        self.data, self._progress = data, progress
        self._extras = extras or Extras()
        self._config = run.config.train
        self.started_from: StartReport | None = None
        self.stop_reason: str | None = None
        # A resumed training keeps its first precision, on any machine.
        chosen = run.precision or vars(
            choose_precision(
                self._config.precision, detect(), runtime.gpu_details(), backend=run.backend
            )
        )
        self.run = run.update(
            status="running", precision=chosen, extras=checked_record(run, self._extras)
        )
        start, source = self._extras.start_from, None
        if start and not (run.path / CHECKPOINT).exists():
            source = load_source(start)
            self._continue_tokens(source)
            check_source(start, source, self.run)
        self._augmentation = Augmentation.from_options(check_options(run.config.model))
        self._soft_rows: Rows | None = None
        self._soft: FloatArray | None = None
        if self._extras.soft_labels and data.unlabelled is not None:
            self._soft_rows, self._soft = self._extras.soft_labels.find(data.unlabelled)
        self._mixed = self._augmentation.mixup > 0 or self._soft is not None
        self._learn_vocabulary(source.vocabulary if source else None)
        self._targets = self._prepare_rows()
        self._build()
        self.checkpoint = Checkpoint(run.path)
        if not self.checkpoint.restore(self.network):
            self._adapt()
            if start and source:
                self.started_from = copy_weights(start, source.network, self.network)
        optimizers.create_variables(self.network, self._targets["train"])

    @property
    def early_stopping(self) -> EarlyStopping:
        """The rule that decides which epoch is best and when the training stops."""
        monitor: str = self._config.monitor
        if "val" not in self.inputs:
            monitor = monitor.removeprefix("val_")
        return EarlyStopping(monitor, self._config.patience)

    def fit(self) -> bool:
        """Trains to the end. Returns False if the user or an observer stopped the training.

        Raises:
            KeyboardInterrupt: the user stopped the training before the first epoch was saved.
            RunError: the loss is no longer a number.
        """
        if self.early_stopping.exhausted(self.checkpoint.history):
            return True
        observers = [*self._extras.observers]
        if self._config.tensorboard:
            observers.append(TensorBoardLog(self.run.path / "tensorboard"))
        if self._progress:
            observers.append(ProgressDisplay(self._progress))
        validation = None
        if "val" in self.inputs:
            validation = LabeledBatches(self.inputs["val"], self._targets["val"], _VALIDATION_BATCH)
        labels = self.data.splits["train"].labels
        weights = optimizers.class_weights(labels, len(self.run.labels), self._config.class_weight)
        try:
            with deferred_interrupt() as check_interrupt:
                self.network.fit(
                    to_keras_data(self.batches),
                    shuffle=False,  # Keras shuffles by a state that no checkpoint holds
                    epochs=self._config.epochs,
                    initial_epoch=len(self.checkpoint.history),
                    validation_data=None if validation is None else to_keras_data(validation),
                    class_weight=weights,
                    callbacks=[_SessionCallback(self, observers, check_interrupt)],
                    verbose=0,
                )
        except KeyboardInterrupt:
            if not self.checkpoint.history:
                raise
            self.stop_reason = "interrupted"
        finally:
            for observer in observers:
                observer.on_end()
        return self.stop_reason is None

    def finish_epoch(self, network: Any, values: Mapping[str, float]) -> Epoch:
        """Saves a finished epoch.

        Raises:
            RunError: its loss is not a number.
        """
        history = self.checkpoint.history
        number = len(history) + 1
        history.append({"epoch": number, **{key: float(v) for key, v in values.items()}})
        if not math.isfinite(values["loss"]):
            raise RunError(
                f"the loss became {values['loss']} in epoch {number}; try a smaller"
                " train.learning_rate, train.clip_norm=1, or train.precision=float32."
            )
        best = (self.early_stopping.best(history) or 0) + 1
        self.checkpoint.save(network, best=best == number)
        return Epoch(
            number=number,
            epochs=self._config.epochs,
            best=best,
            values=history[-1],
            history=history,
            learning_rate=float(keras.ops.convert_to_numpy(network.optimizer.learning_rate)),
            network=network,
        )

    def _learn_vocabulary(self, known: Path | None) -> None:
        """Writes the vocabulary: a copy of ``known``, or one learned from the training rows."""
        path = self.run.path / VOCABULARY
        if self.run.task != "text" or path.exists():
            return
        if known:
            write_bytes(path, known.read_bytes())
            return
        self._choose_tokens()
        graph_tokenizer.learn_vocabulary(
            self._texts(), check_options(self.run.model), path, self._progress
        )

    def _texts(self) -> Iterator[Sequence[str]]:
        for rows in filter(None, (self.data.splits["train"].inputs, self._soft_rows)):
            for start in range(0, len(rows), _VOCABULARY_BATCH):
                yield rows.take(np.arange(start, min(start + _VOCABULARY_BATCH, len(rows))))

    def _choose_tokens(self) -> None:
        """Records how the training texts must be split, and says so, where the option leaves it."""
        options = check_options(self.run.model)
        tokens, note = choose_tokens(
            self._texts(),
            options.tokens,
            len(self.data.splits["train"].inputs) + len(self._soft_rows or ()),
        )
        if note:
            notes = [*self.run.data.get("notes", ()), note]
            chosen = {**self.run.chosen, "tokens": tokens}
            self.run = self.run.update(chosen=chosen, data={**self.run.data, "notes": notes})

    def _continue_tokens(self, source: Source) -> None:
        """Takes over how the source split texts, where its training chose that for this option."""
        options = check_options(self.run.model)
        theirs = source.tokenizer.tokens if source.tokenizer else None
        if self.run.task == "text" and theirs == f"{options.tokens}-clusters":
            self.run = self.run.update(chosen={**self.run.chosen, "tokens": theirs})

    def _prepare_rows(self) -> dict[str, Any]:
        """Encodes the rows and returns the targets of each split."""
        self._tokenizer = self.run.tokenizer()
        self.inputs: dict[str, Any] = {
            name: encode_rows(split.inputs, self._tokenizer, self._progress)
            for name, split in self.data.splits.items()
            if name != "test"
        }
        if self._soft_rows is not None:
            self._soft_inputs = encode_rows(self._soft_rows, self._tokenizer, self._progress)
        classes, smoothing = len(self.run.labels), self._config.label_smoothing
        return {
            name: optimizers.loss_targets(split.labels, classes, smoothing, mixed=self._mixed)
            for name, split in self.data.splits.items()
        }

    def _build(self) -> None:
        """Builds and compiles the network and its batches."""
        if self._progress:
            self._progress("building the network", 0, 0)
        options = check_options(self.run.model)
        any_length = getattr(options, "any_length", False)
        self.network: Any = self.run.network(
            self.run.precision["policy"], weights=False, shape=(None,) if any_length else ()
        )
        self.frozen = freeze(self.network, self._extras.freeze) if self._extras.freeze else ()
        inputs, targets = self.inputs["train"], self._targets["train"]
        if self._soft is not None:
            inputs = TokenIds(np.concatenate([inputs.array, self._soft_inputs.array]))
            targets = np.concatenate(
                [targets, self._soft[:, 1:] if targets.shape[1] == 1 else self._soft]
            )
        self.batches = TrainingBatches(
            inputs,
            targets,
            self._config.batch_size,
            seed=self._config.seed,
            augmentation=self._augmentation,
            any_length=any_length,
        )
        self.network.compile(
            optimizers.build_optimizer(self._config, len(self.batches)),
            optimizers.build_loss(self.network, self._config.label_smoothing, mixed=self._mixed),
            metrics=[optimizers.build_accuracy(self.network, mixed=self._mixed)],
            jit_compile=runtime.jit_compile(),
        )
        if self._extras.extra_loss:
            add_loss(self.network, self._extras.extra_loss)

    def _adapt(self) -> None:
        """Sets the weights that the builder computes from the training rows without training."""
        unlabeled = None
        if self._soft is not None:
            unlabeled = self._soft_inputs
        elif self.data.unlabelled is not None:
            unlabeled = encode_rows(self.data.unlabelled, self._tokenizer, self._progress)
        rows = AdaptationData(
            rows=self.inputs["train"],
            labels=self.data.splits["train"].labels,
            unlabeled=unlabeled,
            soft_labels=self._soft,
            progress=self._progress,
        )
        adapt_network(self.run.model, self.network, rows)


class _SessionCallback(keras.callbacks.Callback):
    """Passes Keras' events to a session and its observers."""

    def __init__(
        self, session: Session, observers: list[Observer], check_interrupt: Callable[[], None]
    ) -> None:
        super().__init__()
        self._session = session
        self._observers = observers
        self._check_interrupt = check_interrupt
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Sets the order of this epoch's rows."""
        self._epoch = epoch
        self._session.batches.start_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Calls the observers, and stops here if the user pressed Ctrl-C."""
        self._check_interrupt()
        steps, epochs = len(self._session.batches), self._session.run.config.train.epochs
        step = Step(
            epoch=self._epoch + 1,
            epochs=epochs,
            number=self._epoch * steps + batch + 1,
            total=epochs * steps,
            values=logs or {},
            history=self._session.checkpoint.history,
        )
        for observer in self._observers:
            observer.on_step(step)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the epoch, calls the observers, and stops the training if it must end."""
        # Reading ``self.model`` also copies a JAX trainer's state back to its variables.
        session, finished = self._session, self._session.finish_epoch(self.model, logs or {})
        reasons = [observer.on_epoch(finished) for observer in self._observers]
        if session.early_stopping.exhausted(session.checkpoint.history):
            self.model.stop_training = True
        elif finished.number < finished.epochs and (asked := list(filter(None, reasons))):
            session.stop_reason = "; ".join(asked)
            self.model.stop_training = True
