"""Measures the best weights of a training in float32, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.measure import Measurement, measure
from modelwright.core.types import Dataset, Progress, Split
from modelwright.models.builders import check_options
from modelwright.models.options import CustomOptions
from modelwright.runs.run import WEIGHTS, Run
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.pretrained import HeadClassifier

if TYPE_CHECKING:
    from modelwright.training.session import Session


@dataclass(frozen=True)
class MeasuredTraining:
    """A finished training whose network is still in memory.

    An evaluation that follows at once builds, traces and measures nothing again.

    Attributes:
        run: the run.
        data: its rows.
        network: the network of the run with its best weights, in float32.
        measured: the figures and answers on the training and validation rows, by split.
        from_features: the splits of which only the last layer was computed, from known features.
            Their probabilities may differ from those of the whole network in the last bits.
    """

    run: Run
    data: Dataset
    network: Any
    measured: Mapping[str, Measurement]
    from_features: frozenset[str] = frozenset()

    def known(self, split: str) -> Measurement | None:
        """Returns the measurement of a split by the whole network; None without one."""
        return None if split in self.from_features else self.measured.get(split)


def measure_training(session: Session, progress: Progress | None = None) -> MeasuredTraining:
    """Measures the best weights of a session's run on its training and validation rows.

    Args:
        session: the session, after its last epoch.
        progress: called with each step.
    """
    network = best_network(session)
    measured, from_features = {}, set()
    for name, split in session.data.splits.items():
        if name not in session.inputs:
            continue
        if name in session.features and len(session.checkpoint.history) == 1:
            from_features.add(str(name))
            rows = Split(session.features[name][0], split.labels)
            measured[str(name)] = measure(HeadClassifier(network), rows, progress)
        else:
            rows = Split(session.inputs[name], split.labels)
            measured[str(name)] = measure(NetworkClassifier(network), rows, progress)
    return MeasuredTraining(session.run, session.data, network, measured, frozenset(from_features))


def best_network(session: Session) -> Any:
    """Returns the network of a session's run with its best weights, in float32.

    It is the network that was trained where that gives the same answers, to the bit. Otherwise it
    is a new one.
    """
    if not _answers_the_same(session):
        return session.run.network()
    session.network.load_weights(session.run.path / WEIGHTS)
    return session.network


def _answers_the_same(session: Session) -> bool:
    """Returns whether the network that was trained answers like a new one with its weights."""
    run, options = session.run, check_options(session.run.model)
    return (
        run.precision["policy"] == "float32"
        and not run.cluster  # its weights would be on several devices
        and session.stop_reason is None  # under JAX an interrupted step leaves no weights
        and not getattr(options, "any_length", False)  # it computes other operations
        # A user's function may keep something outside of the weights, which no servable would have.
        and not isinstance(options, CustomOptions)
    )
