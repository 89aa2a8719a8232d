"""Training: a config in, a run folder out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.backend import BACKENDS, keras_backend
from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.core.hardware import detect
from modelwright.core.terminal import percent, table
from modelwright.core.types import Dataset, Progress, Split
from modelwright.data.load import load_data, write_rejected
from modelwright.models import builders, graph_tokenizer
from modelwright.models.adaptation import Given
from modelwright.plots.history import draw_history
from modelwright.runs import run as runs
from modelwright.runs.run import CHECKPOINT, VOCABULARY, Run, input_shape
from modelwright.training import optimizers, runtime
from modelwright.training.batches import LabelledBatches, TrainingBatches, encode, feed
from modelwright.training.checkpoint import Keeper
from modelwright.training.interrupt import held_back
from modelwright.training.measure import score
from modelwright.training.precision import choose

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class TrainReport:
    """What a training gave. Accuracies are of the best epoch's weights, in float32."""

    run: Path
    epochs: int
    best_epoch: int
    seconds: float
    val_accuracy: float | None
    train_accuracy: float
    parameters: int
    backend: str
    precision: str
    status: str
    rejected: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**vars(self), "run": str(self.run), "notes": list(self.notes)}

    def render(self) -> str:
        """For a person."""
        held_out = "none held out" if self.val_accuracy is None else percent(self.val_accuracy)
        rows = [
            ("run", str(self.run)),
            ("status", self.status),
            ("epochs", f"{self.epochs}, the best was number {self.best_epoch}"),
            ("seconds", f"{self.seconds:.1f}"),
            ("validation accuracy", held_out),
            ("training accuracy", percent(self.train_accuracy)),
            ("parameters", f"{self.parameters:,}"),
            *([] if self.backend == "tensorflow" else [("backend", BACKENDS[self.backend])]),
            ("precision", self.precision),
            *(("note", note) for note in self.notes),
        ]
        if self.rejected:
            rows.append(("rejected rows", f"{self.rejected:,}, listed in {self.run}/rejected.csv"))
        return table(("trained", ""), rows)


def train(
    config: Config, *, out: Path | str | None = None, progress: Progress | None = None
) -> TrainReport:
    """Train a model; ``modelwright.recipes.resolve.resolve_config`` makes the config.

    Args:
        config: all that is set.
        out: the run's folder; ``runs/NAME-TIME`` when not given.
        progress: told of each step.

    Raises:
        DataError: the data cannot be used.
        ConfigError: the model does not fit the data.
        RunError: the folder is taken, or the loss is not a number any more.
    """
    runtime.prepare(config.train.seed)
    data = load_data(config.data, progress=progress)
    _check(config, data)
    run = runs.create(config, data, Path(out) if out else None)
    if data.rejected:
        write_rejected(run.path / "rejected.csv", data.rejected)
    return _fit(run, data, progress)


def resume(path: Path | str, *, progress: Progress | None = None) -> TrainReport:
    """Go on with a training that was cut off, as if it had not been.

    Raises:
        RunError: not a run, finished already, begun under another backend of Keras, or its
            data changed since.
    """
    run = runs.load(path, unfinished=True)
    if run.status == "finished":
        raise RunError(f"the training of {run.path} finished already; there is nothing to resume.")
    if run.backend != keras_backend():
        raise RunError(
            f"the training of {run.path} began under {BACKENDS[run.backend]}, and goes on with the"
            f" same bits only there, not under {BACKENDS[keras_backend()]}; resume it with"
            f" KERAS_BACKEND={run.backend}."
        )
    runtime.prepare(run.config.train.seed)
    data = load_data(run.config.data, progress=progress)
    if data.fingerprint != run.data["fingerprint"]:
        raise RunError(
            f"the data of {run.path} changed since it started: {run.data['source']} had"
            f" fingerprint {run.data['fingerprint'][:12]}, now {data.fingerprint[:12]};"
            " train anew, or bring the data back."
        )
    return _fit(run, data, progress)


def _check(config: Config, data: Dataset) -> None:
    task = builders.find(config.model.builder).task
    if task and task != data.task:
        raise ConfigError(
            f"recipe '{config.recipe}' is for {task}s, but {data.source} holds {data.task}s;"
            " choose another with --recipe."
        )
    if not len(data.splits.get("train", ())):
        raise DataError(f"{data.source} has no training rows; expected a split named train.")
    options = builders.options_of(config.model)
    if data.unlabelled is not None and not getattr(options, "learns_from_texts", False):
        raise ConfigError(
            f"data.unlabelled was given, but recipe '{config.recipe}' learns nothing from texts"
            " without labels; expected a network with model.context above 0. Leave one of them out."
        )
    # Built once for nothing, so that a model that does not fit leaves no run behind.
    builders.build(config.model, input_shape(config, data.shape), len(data.labels))


def _fit(run: Run, data: Dataset, progress: Progress | None) -> TrainReport:
    config = run.config.train
    # A training that goes on keeps the precision it began with, on whatever machine.
    chosen = run.precision or vars(
        choose(config.precision, detect(), runtime.gpu_details(), backend=run.backend)
    )
    run = run.update(status="running", precision=chosen)
    _learn_vocabulary(run, data.splits["train"], progress)
    cutter = run.tokenizer()
    inputs: dict[str, Any] = {
        name: encode(part.inputs, cutter, progress)
        for name, part in data.splits.items()
        if name != "test"
    }
    goals: dict[str, Any] = {
        name: optimizers.targets(part.labels, len(run.labels), config.label_smoothing)
        for name, part in data.splits.items()
    }
    if progress:
        progress("building the network", 0, 0)
    options = builders.options_of(run.config.model)
    any_length = getattr(options, "any_length", False)
    network = run.network(chosen["policy"], weights=False, shape=(None,) if any_length else ())
    batches = TrainingBatches(
        inputs["train"],
        goals["train"],
        config.batch_size,
        seed=config.seed,
        variation=getattr(options, "augment", "none"),
        shift=getattr(options, "shift", 0.0),
        any_length=any_length,
    )
    network.compile(
        optimizers.optimizer(config, len(batches)),
        optimizers.loss(network, config.label_smoothing),
        metrics=["accuracy"],
        jit_compile=runtime.jit_compile(),
    )
    validation = None
    if "val" in inputs:
        validation = LabelledBatches(inputs["val"], goals["val"], _EVALUATION_BATCH)
    keeper = Keeper(
        run.path,
        batches,
        monitor=config.monitor if validation else config.monitor.removeprefix("val_"),
        patience=config.patience,
        epochs=config.epochs,
        progress=progress,
    )
    keeper.set_model(network)
    if not keeper.restore():
        others = data.unlabelled
        given = Given(
            rows=inputs["train"],
            labels=data.splits["train"].labels,
            unlabelled=None if others is None else encode(others, cutter, progress),
            progress=progress,
        )
        builders.adapt(run.config.model, network, given)
    optimizers.make_variables(network, goals["train"])
    weights = optimizers.class_weights(
        data.splits["train"].labels, len(run.labels), config.class_weight
    )
    interrupted = _run_epochs(run, network, batches, validation, keeper, weights)
    return _finish(run, data, inputs, keeper, interrupted=interrupted, progress=progress)


def _run_epochs(
    run: Run,
    network: Any,
    batches: TrainingBatches,
    validation: LabelledBatches | None,
    keeper: Keeper,
    weights: dict[int, float] | None,
) -> bool:
    """Train until the end; True where a person interrupted it."""
    config = run.config.train
    callbacks: list[Any] = [keeper]
    if config.tensorboard:
        from keras.callbacks import TensorBoard

        callbacks.append(TensorBoard(str(run.path / "tensorboard"), write_graph=False))
    if keeper.exhausted:
        return False
    try:
        with held_back() as keeper.check_interrupt:
            network.fit(
                feed(batches),
                shuffle=False,  # Keras would reorder the batches by a state that is not kept
                epochs=config.epochs,
                initial_epoch=len(keeper.history),
                validation_data=None if validation is None else feed(validation),
                class_weight=weights,
                callbacks=callbacks,
                verbose=0,
            )
    except KeyboardInterrupt:
        if not keeper.history:
            raise
        return True
    return False


def _finish(
    run: Run,
    data: Dataset,
    inputs: Mapping[str, Any],
    keeper: Keeper,
    *,
    interrupted: bool,
    progress: Progress | None,
) -> TrainReport:
    seconds = keeper.seconds
    network = run.network()
    figures = {
        name: score(network, rows, data.splits[name].labels, progress=progress).accuracy  # type: ignore[index]
        for name, rows in inputs.items()
    }
    best = (keeper.best or 0) + 1
    report = TrainReport(
        run=run.path,
        epochs=len(keeper.history),
        best_epoch=best,
        seconds=seconds,
        val_accuracy=figures.get("val"),
        train_accuracy=figures["train"],
        parameters=network.count_params(),
        backend=run.backend,
        precision=f"{run.precision['policy']} ({run.precision['reason']})",
        status="stopped" if interrupted else "finished",
        rejected=len(data.rejected),
        notes=data.notes,
    )
    draw_history(run.path / "plots" / "history.png", keeper.history, best=best)
    metrics = {key: value for key, value in report.to_dict().items() if key not in ("run", "notes")}
    run.update(status=report.status, metrics=metrics)
    if not interrupted:
        (run.path / CHECKPOINT).unlink(missing_ok=True)
    return report


def _learn_vocabulary(run: Run, rows: Split, progress: Progress | None) -> None:
    path = run.path / VOCABULARY
    if run.task != "text" or path.exists():
        return
    step = 1024
    parts = (
        rows.inputs.take(np.arange(start, min(start + step, len(rows))))
        for start in range(0, len(rows), step)
    )
    graph_tokenizer.learn(parts, builders.options_of(run.config.model), path, progress)
