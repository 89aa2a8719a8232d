"""A run whose rows and answers are recorded: its network answers through Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.api.explained_run import explained_run
from modelwright.core.types import Engine, FloatArray, RawInput
from modelwright.models.output_layer import two_columns
from modelwright.monitoring.observed_model import ObservedModel, read_vocabulary
from modelwright.runs.run import VOCABULARY, Run, load_run
from modelwright.servable.manifest import Manifest


class _WithFeatures:
    """The engine of a run whose ``run`` returns probabilities and features."""

    def __init__(self, engine: Engine, network: keras.Model) -> None:
        self._engine = engine
        last = network.layers[-1]
        self._network = keras.Model(network.inputs, [last.output, last.input])
        self.row, self.takes_padded_rows = engine.row, engine.takes_padded_rows

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Prepares raw inputs."""
        return self._engine.prepare(inputs)

    def run(self, rows: Any) -> FloatArray:
        """Returns probabilities and features of prepared rows, float32 ``[n, classes + d]``."""
        outputs, features = self._network.predict_on_batch(rows)
        together: FloatArray = np.concatenate(
            [two_columns(np.asarray(outputs)), np.asarray(features)], axis=1, dtype=np.float32
        )
        return together

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns what ``run`` returns, of raw inputs."""
        return self.run(self.prepare(inputs))


def observed_run(path: Path) -> tuple[Run, Manifest, ObservedModel]:
    """Loads a run, and returns it with what a servable of it would say of its inputs.

    Raises:
        RunError: the run cannot be used.
    """
    run = load_run(path)
    explained = explained_run(path)
    engine: Engine = explained.predictor.engine
    network, tensor = explained.network, ""
    if network is not None and _ends_in_dense(network):
        engine, tensor = _WithFeatures(engine, network), network.layers[-1].name
    tokens = read_vocabulary(run.path / VOCABULARY) if run.task == "text" else ()
    model = ObservedModel(engine, run.task, run.labels, tokens, run.config.data.orientation, tensor)
    return run, explained.predictor.manifest, model


def _ends_in_dense(network: keras.Model) -> bool:
    """Returns whether the answer comes from one dense layer with one vector for each row."""
    last = network.layers[-1]
    return (
        isinstance(last, keras.layers.Dense)
        and last.output is network.output
        and len(last.input.shape) == 2
    )
