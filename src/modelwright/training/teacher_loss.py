"""The loss of a student that also learns its teacher's answers to each batch of images.

The teacher answers the augmented batch that the student sees (Beyer et al., "Knowledge
Distillation: A Good Teacher Is Patient and Consistent", CVPR 2022). Both answers are softened by a
temperature (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras import ops

from modelwright.training.starting_weights import StartFrom, load_source

NAME = "teacher"


class TeacherLoss:
    """An extra loss: the distance from a teacher's answers.

    The loss of a batch is ``(1 - weight) * labels + weight * temperature ** 2 * teacher``, where
    ``labels`` is the loss for the labels and ``teacher`` the cross-entropy with the teacher's
    softened answers.

    Attributes:
        name: recorded in the run.
        label_share: the share of the loss for the labels.
    """

    name = NAME

    def __init__(
        self,
        source: Path,
        labels: Sequence[str],
        *,
        weight: float,
        temperature: float,
        calibration: float = 1.0,
        fingerprint: str = "",
    ) -> None:
        """Loads the teacher.

        Args:
            source: a run or a servable that classifies images.
            labels: the classes, in the order of the student's outputs.
            weight: share of the teacher, 0 to below 1.
            temperature: divides the log-probabilities of both.
            calibration: divides the teacher's too, so that its probabilities are right.
            fingerprint: what the teacher must have; any by default.

        Raises:
            RunError: the run cannot be used, or has changed.
            ServableError: the servable cannot be used.
        """
        found = load_source(StartFrom(source, fingerprint=fingerprint))
        self.label_share = 1 - weight
        self._network = found.network
        self._network.trainable = False
        self._columns = [found.labels.index(label) for label in labels]
        self._temperature, self._calibration = temperature, calibration
        self._record = {
            "source": str(found.record.folder.resolve()),
            "sha256": found.record.fingerprint,
            "weight": weight,
            "temperature": temperature,
            "calibration": calibration,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str]) -> TeacherLoss:
        """Returns the loss that ``record`` described."""
        return cls(
            Path(record["source"]),
            labels,
            weight=float(record["weight"]),
            temperature=float(record["temperature"]),
            calibration=float(record["calibration"]),
            fingerprint=str(record["sha256"]),
        )

    def record(self) -> dict[str, Any]:
        """Returns what a run must record so that resuming repeats the loss."""
        return dict(self._record)

    def __call__(self, network: Any, inputs: Any, targets: Any, outputs: Any) -> Any:
        """Returns the teacher's part of the loss of a batch; 0 where there are no inputs."""
        if inputs is None:
            return 0.0
        answers = self._network(inputs, training=False)
        answers = ops.take(_columns(answers), self._columns, axis=1)
        wanted = ops.stop_gradient(_soften(answers, self._temperature * self._calibration))
        given = _soften(_columns(outputs), self._temperature)
        distance = -ops.sum(wanted * ops.log(ops.maximum(given, 1e-7)), axis=1)
        factor = (1 - self.label_share) * self._temperature**2
        return factor * ops.mean(distance)


def _soften(probabilities: Any, temperature: float) -> Any:
    logs = ops.log(ops.maximum(ops.cast(probabilities, "float32"), 1e-7))
    return ops.softmax(logs / temperature, axis=1)


def _columns(outputs: Any) -> Any:
    """Returns ``[n, 1]``, the second class's probability, as ``[n, 2]``; others unchanged."""
    if outputs.shape[1] != 1:
        return outputs
    return ops.concatenate([1 - outputs, outputs], axis=1)
