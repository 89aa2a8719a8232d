"""What a training may do beyond its config: other first weights, frozen layers, soft labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from modelwright.core.errors import ConfigError, RunError
from modelwright.runs.run import Run
from modelwright.training.observers import Observer
from modelwright.training.soft_labels import SoftLabels
from modelwright.training.source_settings import FEATURES
from modelwright.training.starting_weights import StartFrom
from modelwright.training.teacher_loss import TeacherLoss


class ExtraLoss(Protocol):
    """A term that is added to the training loss, never to the validation loss.

    Attributes:
        name: recorded in the run. A run that had a term can be resumed only with a term of that
            name.

    A term with an attribute ``label_share`` scales the loss that it is added to.
    """

    name: str

    def __call__(self, network: Any, inputs: Any, targets: Any, outputs: Any) -> Any:
        """Returns a scalar tensor for one batch.

        Args:
            network: the ``keras.Model`` that is trained.
            inputs: a batch as the network reads it: token ids, or uint8 images.
            targets: what the loss compares with: class numbers ``[n, 1]``, or one-hot rows.
            outputs: the network's outputs: probabilities ``[n, classes]``, or ``[n, 1]`` of the
                second of two classes.
        """


@dataclass(frozen=True)
class Extras:
    """Additions to a training; none by default."""

    start_from: StartFrom | None = None
    freeze: tuple[str, ...] = ()
    """Patterns of the names of layers that are not trained."""
    extra_loss: ExtraLoss | None = None
    observers: tuple[Observer, ...] = ()
    soft_labels: SoftLabels | None = None
    """Class probabilities of the unlabeled texts, which are then training rows, too."""

    def record(self) -> dict[str, Any]:
        """Returns what the run must record so that resuming repeats it."""
        record: dict[str, Any] = {}
        if self.start_from:
            record["start_from"] = self.start_from.record()
        if self.freeze:
            record["freeze"] = list(self.freeze)
        if self.extra_loss:
            record["extra_loss"] = self.extra_loss.name
        if isinstance(self.extra_loss, TeacherLoss):
            record["teacher"] = self.extra_loss.record()
        if self.soft_labels:
            record["soft_labels"] = {
                "teacher": self.soft_labels.teacher,
                "sha256": self.soft_labels.fingerprint,
            }
        return record


def recorded_extras(run: Run, extras: Extras | None) -> Extras:
    """Returns extras to resume a run with: those given, and the start and freeze that it records.

    A teacher is loaded again. What cannot be rebuilt from the record, such as another extra loss,
    must be given.
    """
    extras = extras or Extras()
    if extras.start_from is None and (start := run.extras.get("start_from")):
        extras = replace(extras, start_from=StartFrom.from_record(start))
    if not extras.freeze and (frozen := run.extras.get("freeze")):
        extras = replace(extras, freeze=tuple(frozen))
    if extras.extra_loss is None and (teacher := run.extras.get("teacher")):
        extras = replace(extras, extra_loss=TeacherLoss.from_record(teacher, run.labels))
    return extras


def checked_record(run: Run, extras: Extras) -> dict[str, Any]:
    """Returns what to record of the extras, after a comparison with those of a resumed run.

    Raises:
        RunError: the run began with other extras.
    """
    record = extras.record()
    if run.precision and dict(run.extras) != record:
        if "start_from" in record and "sha256" not in run.extras.get("start_from", {"sha256": 0}):
            record["start_from"].pop("sha256", None)  # runs of earlier versions recorded none
            if dict(run.extras) == record:
                return record
        raise RunError(
            f"the training of {run.path} began with {dict(run.extras) or 'no extras'}, but resuming"
            f" was given {record or 'none'}; resume it with the same extras."
        )
    return record


def check_effect(extras: Extras, options: Any) -> None:
    """Checks that the extras have an effect on a network with these options.

    Raises:
        ConfigError: a solver finds the weights, and the extras concern steps.
    """
    if not getattr(options, "solved", False) or getattr(options, "steps_follow", False):
        return
    backbone = hasattr(options, "backbone")
    # A solved last layer leaves the features of a backbone as they are.
    frozen = extras.freeze and not (backbone and extras.freeze == (FEATURES,))
    if frozen or extras.extra_loss:
        given = "freeze" if frozen else "extra_loss"
        way = "model.finetune=2" if backbone else "model.fit=steps"
        raise ConfigError(
            f"'{given}' was given, but the solver finds the weights of this network from the"
            f" training rows alone; leave it out, or train by steps with {way}."
        )


def add_loss(network: Any, term: ExtraLoss) -> None:
    """Adds a term to the loss of the training steps of a compiled network."""
    compute_loss = network.compute_loss

    def with_term(
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        loss = compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        return getattr(term, "label_share", 1.0) * loss + term(network, x, y, y_pred)

    network.compute_loss = with_term
