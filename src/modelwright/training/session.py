"""A training session: one training, from prepared rows to a finished run.

Features that need more of a training than its config, such as tuning, updating, distillation and
federated learning, use ``Extras``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from modelwright.core.errors import RunError
from modelwright.core.folds import number_copies
from modelwright.core.types import Dataset, FloatArray, Progress, Rows, SplitName
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, check_options, solve_network
from modelwright.runs.run import Run
from modelwright.training import optimizers, pretrained, runtime
from modelwright.training.augmentation import Augmentation
from modelwright.training.batches import (
    LabeledBatches,
    TokenIds,
    TrainingBatches,
    encode_rows,
    to_keras_data,
)
from modelwright.training.checkpoint import Checkpoint
from modelwright.training.cluster import ProcessGroup
from modelwright.training.compilation import Compilation
from modelwright.training.distributed import Devices
from modelwright.training.early_stopping import EarlyStopping, choice_note, early_stopping
from modelwright.training.epoch_plan import epoch_plan_note, plan_epochs
from modelwright.training.extras import Extras, check_effect, checked_record
from modelwright.training.gpu_usage import GpuUsage
from modelwright.training.interrupt import deferred_interrupt
from modelwright.training.observers import Epoch, Observer, ProgressDisplay, TensorBoardLog
from modelwright.training.session_callback import SessionCallback
from modelwright.training.starting import begin, note_frozen, note_unknown, open_source
from modelwright.training.starting_weights import StartReport, freeze
from modelwright.training.step_times import StepTimes
from modelwright.training.vocabulary import learn_vocabulary

_VALIDATION_BATCH = 256


class Session:
    """The rows, network, batches and checkpoint of one training.

    Attributes:
        run: the run folder that it writes.
        data: the rows.
        extras: the additions to the config.
        network: the compiled ``keras.Model``.
        batches: the training batches.
        checkpoint: the history and the saved state.
        inputs: the encoded training and validation rows by split.
        features: the features of the rows by split, ``[views, n, d]``, where a solver needed them.
        solved: whether a solver finds the first weights, in place of steps.
        epochs: the most epochs. What a solver found counts as the first one, and may be all.
        started_from: the report of the weights copied from another model; None without a copy.
        frozen: names of the layers that are not trained.
        group: the processes that train together; this one alone by default.
        speed: the times of the steps, and how busy a GPU was; empty before the first steps.
        stop_reason: why the user or an observer stopped the training; None otherwise.
    """

    def __init__(
        self,
        run: Run,
        data: Dataset,
        *,
        extras: Extras | None = None,
        group: ProcessGroup | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Prepares everything up to the first step. ``fit`` trains.

        Args:
            run: an unfinished run. If it has a checkpoint, the training continues from there.
            data: the run's rows.
            extras: additions to the config.
            group: the processes that train together.
            progress: called with each step.

        Raises:
            ConfigError: the extras do not fit the network.
            RunError: the checkpoint cannot be used, or was trained with other extras.
        """
        self.data, self._progress = data, progress
        self.extras = extras or Extras()
        self.group = group or ProcessGroup()
        self.features: dict[str, Any] = {}
        self.speed: dict[str, float] = {}
        self._config = run.config.train
        options = check_options(run.config.model)
        self.solved = bool(getattr(options, "solved", False))
        steps = not self.solved or getattr(options, "steps_follow", False)
        self.epochs = self.solved + (self._config.epochs if steps else 0)
        self._has_backbone = hasattr(options, "backbone")
        self.started_from: StartReport | None = None
        self.stop_reason: str | None = None
        # A resumed training keeps its first precision, on any machine.
        chosen = run.precision or runtime.precision_here(self._config.precision, run.backend)
        self.run = run.update(
            status="running", precision=chosen, extras=checked_record(run, self.extras)
        )
        check_effect(self.extras, options)
        self.run, source = open_source(self.extras, self.run)
        self._augmentation = Augmentation.from_options(options)
        self._soft_rows: Rows | None = None
        self._soft: FloatArray | None = None
        if self.extras.soft_labels and data.unlabelled is not None:
            self._soft_rows, self._soft = self.extras.soft_labels.find(data.unlabelled)
        self._mixed = self._augmentation.mixup > 0 or self.extras.soft_labels is not None
        if texts := self._texts():
            known = source.vocabulary if source else None
            self.run = learn_vocabulary(self.run, texts, known, progress)
        self._prepare_rows()
        self.run = note_unknown(self.run, source, self.inputs["train"])
        self._prepare_devices()
        with self._devices.scope():
            self._build()
            optimizers.create_variables(self.network, self._targets["train"])
        self.checkpoint = Checkpoint(run.path, writes=self.group.writes)
        if not self.checkpoint.restore(self.network):
            if self._has_backbone:
                theirs = source.backbone if source else None
                self.run = pretrained.start_backbone(self.run, self.network, self._progress, theirs)
                if self.epochs > 1 and "val" not in self.inputs:
                    self.run = pretrained.note_fixed_epochs(self.run)
            elif not self.solved:
                adapt_network(self.run.model, self.network, self.adaptation_data())
            if source:
                self.run, self.started_from = begin(source, self.network, self.run)
        self._devices.make_steps(self.network)

    @property
    def steps(self) -> int:
        """The number of steps that the optimizer has taken."""
        return (len(self.checkpoint.history) - self.solved) * len(self.batches)

    @property
    def early_stopping(self) -> EarlyStopping:
        """The rule that decides which epoch is best and when the training stops."""
        rule = early_stopping(self._config, len(self.inputs.get("val", ())))
        # A solver fits the rows better than any step, so their figures choose nothing.
        return replace(rule, chooses=False) if self.solved and "val" not in self.inputs else rule

    def fit(self) -> bool:
        """Trains to the end. Returns False if the user or an observer stopped the training.

        Raises:
            KeyboardInterrupt: the user stopped the training before the first epoch was saved.
            RunError: the loss is no longer a number.
        """
        history = self.checkpoint.history
        if self.early_stopping.exhausted(history):
            return True
        observers = [*self.extras.observers] if self.group.writes else []
        if self._config.tensorboard and self.group.writes:
            log = self.run.path / "tensorboard"
            observers.append(TensorBoardLog(log, histograms=self._config.histograms))
        if self._progress:
            observers.append(ProgressDisplay(self._progress))
        try:
            if self.solved and not history:
                finished = self._solve()
                asked = list(filter(None, [one.on_epoch(finished) for one in observers]))
                if asked and self.epochs > 1:
                    self.stop_reason = "; ".join(asked)
            if len(history) < self.epochs and self.stop_reason is None:
                self._take_steps(observers)
        except KeyboardInterrupt:
            if not history:
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
        history, values = self.checkpoint.history, self.group.agree_on(values)
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
            epochs=self.epochs,
            best=best,
            values=history[-1],
            history=history,
            learning_rate=float(keras.ops.convert_to_numpy(network.optimizer.learning_rate)),
            network=network,
        )

    def _take_steps(self, observers: list[Observer]) -> None:
        """Trains by the optimizer's steps, from the epoch after the last finished one."""
        rows, class_weight = self._devices.to_keras_data(self.batches, self._class_weights())
        validation = "val" in self.inputs and self._devices.to_keras_data(self._in_order("val"))[0]
        times, usage = StepTimes(self.batches), GpuUsage(active=runtime.gpu_details() is not None)
        with deferred_interrupt() as check_interrupt, usage, self.group.watched():
            self.network.fit(
                rows,
                shuffle=False,  # Keras shuffles by a state that no checkpoint holds
                epochs=self.epochs,
                initial_epoch=len(self.checkpoint.history),
                validation_data=validation or None,
                class_weight=class_weight,
                callbacks=[SessionCallback(self, observers, check_interrupt, times)],
                verbose=0,
            )
        self.speed = times.figures() | usage.figures()

    def _solve(self) -> Epoch:
        """Finds the weights by a solver, and saves them as those of the first epoch."""
        data = self.adaptation_data()
        if self._has_backbone:
            self.features = {
                name: pretrained.features_of(self.run, self.network, split, self._progress)
                for name, split in self.data.splits.items()
                if name in self.inputs
            }
            data = replace(data, features=self.features["train"])
        solution = solve_network(self.run.model, self.network, data, self._config.seed)
        self.run = self.run.update(solution=solution.to_dict())
        values = self._measure("train")
        if "val" in self.inputs:
            values |= {f"val_{name}": value for name, value in self._measure("val").items()}
        return self.finish_epoch(self.network, values)

    def _measure(self, name: SplitName) -> dict[str, float]:
        """Returns accuracy and loss on the rows of a split; known features are not repeated."""
        if name in self.features:
            labels = self.data.splits[name].labels
            return pretrained.measure_head(self.network, self.features[name][0], labels)
        values: dict[str, float] = self.network.evaluate(
            to_keras_data(self._in_order(name)), verbose=0, return_dict=True
        )
        return values

    def _in_order(self, name: SplitName) -> LabeledBatches:
        return LabeledBatches(self.inputs[name], self._targets[name], _VALIDATION_BATCH)

    def _class_weights(self) -> dict[int, float] | None:
        labels = self.data.splits["train"].labels
        return optimizers.class_weights(labels, len(self.run.labels), self._config.class_weight)

    def _texts(self) -> list[Rows]:
        """Returns the texts from which the vocabulary is learned; none for images."""
        if self.run.task != "text":
            return []
        more = self._soft_rows or (self.data.unlabelled if self.solved else None)
        return [self.data.splits["train"].inputs, *([] if more is None else [more])]

    def _prepare_rows(self) -> None:
        """Encodes the rows."""
        self._tokenizer = self.run.tokenizer()
        self.inputs: dict[str, Any] = {
            name: encode_rows(split.inputs, self._tokenizer, self._progress)
            for name, split in self.data.splits.items()
            if name != "test"
        }
        if self._soft_rows is not None:
            self._soft_inputs = encode_rows(self._soft_rows, self._tokenizer, self._progress)

    def _prepare_devices(self) -> None:
        """Decides which rows a step has, and which devices share them."""
        rows = len(self.inputs["train"])
        rows += 0 if self._soft is None else len(self._soft_inputs)
        self._plan = plan_epochs(self._config, rows)
        self._devices = Devices(self.group, enabled=not self.solved)
        self.run = self._devices.record_in(self.run, self._plan.batch_size)
        self.run = self.run.add_note(epoch_plan_note(self._plan, self._config))
        self.run = self.run.add_note(choice_note(self._config, len(self.inputs.get("val", ()))))

    def _build(self) -> None:
        """Builds and compiles the network and its batches."""
        if self._progress:
            self._progress("building the network", 0, 0)
        options = check_options(self.run.model)
        any_length = getattr(options, "any_length", False)
        self.network: Any = self.run.network(
            self.run.precision["policy"], weights=False, shape=(None,) if any_length else ()
        )
        self.frozen = freeze(self.network, self.extras.freeze) if self.extras.freeze else ()
        started = self.extras.start_from is not None
        self.run = note_frozen(self.run, self.network, self.frozen, started=started)
        columns, smoothing = self.network.output_shape[-1], self._config.label_smoothing
        self._targets = {
            name: optimizers.loss_targets(split.labels, columns, smoothing, mixed=self._mixed)
            for name, split in self.data.splits.items()
        }
        inputs, targets = self.inputs["train"], self._targets["train"]
        if self.extras.soft_labels and not self.solved:
            targets = self.extras.soft_labels.mix(self.data.splits["train"], targets)
        if self._soft is not None:
            inputs = TokenIds(np.concatenate([inputs.array, self._soft_inputs.array]))
            targets = np.concatenate(
                [targets, self._soft[:, 1:] if targets.shape[1] == 1 else self._soft]
            )
        self.batches = TrainingBatches(
            inputs,
            targets,
            self._plan.batch_size,
            seed=self._config.seed,
            augmentation=self._augmentation,
            any_length=any_length,
            passes=self._plan.passes,
        )
        Compilation(
            self._config, options, len(self.batches), self._mixed, self.extras.extra_loss
        ).apply(self.network)

    def adaptation_data(self) -> AdaptationData:
        """Returns the rows from which the builder computes weights."""
        labels, weights, unlabeled = self.data.splits["train"].labels, self._class_weights(), None
        if self._soft is not None:
            unlabeled = self._soft_inputs
        elif self.data.unlabelled is not None:
            unlabeled = encode_rows(self.data.unlabelled, self._tokenizer, self._progress)
        return AdaptationData(
            rows=self.inputs["train"],
            labels=labels,
            unlabeled=unlabeled,
            soft_labels=self._soft,
            characters=self._tokenizer.characters() if self._tokenizer else None,
            row_weights=None if weights is None else np.array([weights[int(i)] for i in labels]),
            progress=self._progress,
            copies=number_copies(self.data.splits["train"].digests),
            started=self.started_from is not None,
        )
