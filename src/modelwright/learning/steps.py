"""Training by steps, as the strategies share it: the same optimizer, loss and batches as ``train``.

Nothing is measured and no epoch is chosen here: who gives the lesson measures the network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from modelwright.core.config import ModelConfig, TrainConfig
from modelwright.core.errors import ConfigError, RunError
from modelwright.learning.lesson import Lesson, LessonRows, State
from modelwright.learning.lesson_batches import Kept, LessonBatches, Targets
from modelwright.learning.parts import named_layers
from modelwright.learning.strategy import Needs
from modelwright.models.builders import check_options
from modelwright.training import optimizers, runtime
from modelwright.training.augmentation import Augmentation
from modelwright.training.batches import to_keras_data
from modelwright.training.compilation import Compilation
from modelwright.training.epoch_plan import plan_epochs
from modelwright.training.extras import ExtraLoss
from modelwright.training.interrupt import deferred_interrupt

_SEED_STATE = "seed_generator_state"


class StepStrategy:
    """A strategy that takes steps and remembers nothing; the defaults of ``Strategy``."""

    name: str
    summary: str
    needs: Needs = "new"
    cost: float = 1.0

    def unfit(self, model: ModelConfig) -> str:
        """Returns why a network of this builder cannot learn so; empty if it can."""
        return ""

    def remember(self, lesson: Lesson) -> State:
        """Returns nothing to remember."""
        return {}


class Distance(Protocol):
    """How far answers are from recorded ones."""

    def __call__(self, outputs: Any, recorded: Any) -> Any:
        """Returns the distance of each row ``[n]``.

        Args:
            outputs: log-probabilities ``[n, classes]`` of the classes now.
            recorded: log-probabilities ``[n, classes before]``, with the same shares of all
                classes; those of classes that were absent are below -1e8.
        """


@dataclass(frozen=True)
class Hold:
    """A term that holds the answers to rows near the recorded ones.

    Attributes:
        distance: how far an answer is from the recorded one.
        weight: weight of the mean distance in the loss.
    """

    distance: Distance
    weight: float


def take_steps(
    lesson: Lesson,
    rows: LessonRows,
    *,
    freeze: Sequence[str] = (),
    extra_loss: ExtraLoss | None = None,
    kept: Kept | None = None,
    hold: Hold | None = None,
) -> None:
    """Trains the network of a lesson for ``lesson.train.epochs`` epochs, in place.

    The result depends on the weights, the rows, the settings and ``lesson.seed`` alone.

    Args:
        lesson: the network, the settings and the seed.
        rows: the rows to learn; a class may be absent.
        freeze: paths of layers that stay as they are, as ``Parts`` has them. Statistics of batch
            normalization stay too.
        extra_loss: a term that is added to the loss.
        kept: old rows, as many in each batch as of the others.
        hold: a term for the rows with recorded answers, ``rows`` and kept ones.

    Raises:
        ConfigError: there are no rows, or no weights are left to train.
        RunError: the loss is no longer a number. The weights are of no use then.
    """
    if not len(rows):
        raise ConfigError("the lesson has no rows to learn; expected at least one.")
    runtime.make_deterministic(lesson.seed)
    network = lesson.network
    train = lesson.train.model_copy(update={"seed": lesson.seed})
    batches = _batches(lesson, rows, kept, train, record=hold is not None)
    compilation = Compilation(
        train, check_options(lesson.model), len(batches), mixed=True, extra_loss=extra_loss
    )
    with _frozen(network, freeze), _compiled(network, compilation, batches.targets, hold):
        _reset_random_states(network, lesson.seed)
        optimizers.create_variables(network, batches.make(0)[1])
        with deferred_interrupt() as check_interrupt:
            network.fit(
                to_keras_data(batches),
                shuffle=False,
                epochs=train.epochs,
                callbacks=[_watch(lesson, batches, check_interrupt)],
                verbose=0,
            )


def kept_rows(lesson: Lesson, strategy: str) -> LessonRows:
    """Returns the kept rows of a lesson.

    Raises:
        ConfigError: there are none.
    """
    if lesson.kept is None or not len(lesson.kept):
        raise ConfigError(
            f"the strategy '{strategy}' needs examples of the old rows, but none were kept; keep"
            " some, or take a strategy that needs none, such as distill or ewc."
        )
    return lesson.kept


def log_probabilities(outputs: Any) -> Any:
    """Returns outputs ``[n, classes]``, or ``[n, 1]`` of two classes, as log-probabilities."""
    if outputs.shape[-1] == 1:
        outputs = ops.concatenate([1 - outputs, outputs], axis=-1)
    return ops.log(ops.clip(ops.cast(outputs, "float32"), 1e-7, 1.0))


@contextmanager
def _frozen(network: Any, paths: Sequence[str]) -> Iterator[None]:
    """Makes layers untrainable while the block runs.

    Raises:
        ConfigError: the network has no such layer, or nothing is left to train.
    """
    layers = named_layers(network)
    if unknown := [path for path in paths if path not in layers]:
        raise ConfigError(
            f"the network has no layer '{unknown[0]}' to be frozen; it has: {', '.join(layers)}."
        )
    changed = [one for path in paths for one in layers[path]._flatten_layers()]
    flags = [(layer, layer.trainable) for layer in changed]
    try:
        for layer in changed:
            layer.trainable = False
        if not network.trainable_variables:
            raise ConfigError("every layer is frozen, so there is nothing to train.")
        yield
    finally:
        for layer, trainable in flags:  # a layer comes before those inside of it
            layer.trainable = trainable


@contextmanager
def _compiled(
    network: Any, compilation: Compilation, targets: Targets, hold: Hold | None
) -> Iterator[None]:
    """Compiles a network, and lets its loss read the targets of a lesson while the block runs."""
    compilation.apply(network)
    own_loss, own_metrics = network.compute_loss, network.compute_metrics

    def compute_loss(
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        labels, weights, holds, answers = targets.split(y)
        loss = own_loss(x, labels, y_pred, weights, training)
        return loss + _distance(hold, y_pred, holds, answers) if hold else loss

    def compute_metrics(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return own_metrics(x, targets.split(y)[0], y_pred, None)

    network.compute_loss, network.compute_metrics = compute_loss, compute_metrics
    try:
        yield
    finally:
        for name in ("compute_loss", "compute_metrics"):
            vars(network).pop(name, None)


def _batches(
    lesson: Lesson, rows: LessonRows, kept: Kept | None, train: TrainConfig, *, record: bool
) -> LessonBatches:
    """Returns the batches of a lesson; ``record`` says whether recorded answers are read."""
    network, options = lesson.network, check_options(lesson.model)
    parts = [rows, *([kept.rows] if kept else [])]
    widths = [part.outputs.shape[1] for part in parts if record and part.outputs is not None]
    return LessonBatches(
        rows,
        kept,
        Targets(network.output_shape[-1], max(widths, default=0)),
        train,
        plan_epochs(train, len(rows)),
        augmentation=Augmentation.from_options(options),
        # A network that is built for one length takes no batch that is cut to its longest text.
        any_length=getattr(options, "any_length", False) and network.input_shape[1:] == (None,),
    )


def _distance(hold: Hold, outputs: Any, holds: Any, answers: Any) -> Any:
    """Returns the weighed mean distance of a batch's answers from the recorded ones."""
    if len(outputs.shape) == 3:  # the members of an ensemble, each held at the answer of all
        members = outputs.shape[1]
        holds, answers = (ops.repeat(one, members, axis=0) for one in (holds, answers))
        outputs = ops.reshape(outputs, (-1, outputs.shape[2]))
    absent = ops.less(answers, 0)
    recorded = ops.where(absent, -1e9, ops.log(ops.clip(answers, 1e-7, 1.0)))
    distances = hold.distance(log_probabilities(outputs), recorded)
    # A row without a recorded answer may have any distance, but must not spoil the mean.
    return hold.weight * ops.mean(ops.where(holds > 0, holds * distances, 0.0))


def _reset_random_states(network: Any, seed: int) -> None:
    """Makes the random layers, such as dropout, begin anew: their state is no weight."""
    states = [one for one in network.variables if one.path.endswith(_SEED_STATE)]
    for position, state in enumerate(states):
        state.assign(np.array([seed + position, 0], state.dtype))


def _watch(lesson: Lesson, batches: LessonBatches, check_interrupt: Callable[[], None]) -> Any:
    """Returns a callback that orders the rows of each epoch, and reports the steps.

    It stops the training where the user pressed Ctrl-C, or where the loss is no longer a number.
    """
    total = len(batches) * lesson.train.epochs

    def end_step(batch: int, logs: dict[str, float]) -> None:
        check_interrupt()
        if lesson.progress:
            lesson.progress("learning", batches.epoch * len(batches) + batch + 1, total)

    def end_epoch(epoch: int, logs: dict[str, float]) -> None:
        if not math.isfinite(logs["loss"]):
            raise RunError(
                f"the loss became {logs['loss']} in epoch {epoch + 1} of the lesson; try a smaller"
                " learning rate, or train.clip_norm=1."
            )

    return keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.start_epoch(epoch),
        on_train_batch_end=end_step,
        on_epoch_end=end_epoch,
    )
