"""A run as an explanation needs it: its network answers through Keras, with gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, RawInput
from modelwright.data.images import decode_image, resize_image
from modelwright.data.served_images import SERVED_FORMATS
from modelwright.explaining.explained_model import ExplainedModel
from modelwright.exporting.tokenizer_tables import tokenizer_rules
from modelwright.models.builders import check_options
from modelwright.models.options import TextOptions
from modelwright.models.output_layer import two_columns
from modelwright.runs.run import VOCABULARY, Run, load_run
from modelwright.servable.manifest import FORMAT, TOLERANCE, Manifest
from modelwright.servable.predictor import Predictor
from modelwright.servable.tokenizer import ServingTokenizer
from modelwright.training.runtime import make_deterministic

ENGINE = "keras"


class KerasEngine:
    """A Keras network with the methods of an engine."""

    def __init__(self, run: Run, network: Any, tokenizer: ServingTokenizer | None) -> None:
        """Takes a network that is loaded."""
        self.network = network
        self._answer = _compiled(network)
        self._tokenizer = tokenizer
        self._shape = run.shape or (0, 0, 0)
        self._orient = run.config.data.orientation
        self.row = run.input_shape
        self.takes_padded_rows = network.input_shape[1:] != (None,)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Returns token ids int32 ``[n, length]``, or pixels uint8 ``[n, h, w, c]``."""
        if self._tokenizer:
            texts = [str(text) for text in inputs]
            return self._tokenizer.encode(texts, shortest=not self.takes_padded_rows)
        return np.stack([self._decode(one) for one in inputs if isinstance(one, bytes)])

    def run(self, rows: Any) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of prepared rows."""
        return two_columns(np.asarray(self._answer(rows)))

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of raw inputs."""
        return self.run(self.prepare(inputs))

    def _decode(self, file: bytes) -> Any:
        height, width, channels = self._shape
        pixels = decode_image(file, channels=channels, orient=self._orient)
        return resize_image(pixels, (height, width))


def explained_run(path: Path, change: Callable[[Any], None] | None = None) -> ExplainedModel:
    """Loads a run for explanations.

    Args:
        path: the run's folder.
        change: changes the network in memory before it answers, such as its weights.

    Raises:
        RunError: the run cannot be used.
    """
    run = load_run(path)
    make_deterministic(run.config.train.seed)
    # Padding costs a recurrent network as much as tokens do.
    any_length = getattr(check_options(run.model), "any_length", False)
    network = run.network(shape=(None,) if any_length else ())
    if change:
        change(network)
    tokenizer = _tokenizer(run) if run.task == "text" else None
    predictor = Predictor(run.path, _manifest(run), KerasEngine(run, network, tokenizer), ENGINE)
    return ExplainedModel(predictor, tokenizer, network)


def _compiled(network: Any) -> Callable[[Any], Any]:
    """Returns a function that answers prepared rows, compiled once for batches of any shape."""
    import keras

    if keras.backend.backend() != "tensorflow":
        answer: Callable[[Any], Any] = network.predict_on_batch
        return answer
    import tensorflow as tf

    rows = tf.TensorSpec([None, *network.input_shape[1:]], network.input.dtype)
    compiled: Callable[[Any], Any] = tf.function(
        lambda batch: network(batch, training=False), input_signature=[rows], autograph=False
    )
    return compiled


def _tokenizer(run: Run) -> ServingTokenizer:
    options = check_options(run.model)
    if not isinstance(options, TextOptions):  # only builders of other packages have others
        raise TypeError(f"{run.path} classifies texts without the options of a tokenizer")
    content = (run.path / VOCABULARY).read_text("utf-8")
    return ServingTokenizer(tokenizer_rules(options), content.split("\n")[:-1])


def _manifest(run: Run) -> Manifest:
    """Returns what a servable of the run would say of its inputs and labels."""
    return Manifest(
        format=FORMAT,
        name=run.model_name,
        version=0,
        created="",
        task=run.task,
        labels=run.labels,
        shape=run.shape,
        tta=False,
        tolerance=TOLERANCE,
        engines={ENGINE: {}},
        config=run.config.model_dump(mode="json"),
        data=run.data,
        lineage=run.lineage,
        metrics=run.metrics,
        versions=run.versions,
        files={},
        decoding={"orientation": run.config.data.orientation, "formats": list(SERVED_FORMATS)},
    )
