"""What the convolutions of a network make of one picture, as maps to look at.

The network runs once, as for a prediction, with an ear at each convolution, so that networks
inside networks and layers of a user's own are heard too. It changes no weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, ImageShape, Progress, UInt8Array
from modelwright.data import images
from modelwright.models.output_layer import two_columns
from modelwright.plots.feature_maps import LayerMaps, draw_layers
from modelwright.runs.rows import reload_data, split_of
from modelwright.runs.run import Run, load_run
from modelwright.training.runtime import make_deterministic

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
_NORMALISATIONS = ("BatchNormalization", "LayerNormalization", "GroupNormalization")
_POOLINGS = ("MaxPooling2D", "AveragePooling2D")
_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "ELU")
_ROWS = 8
_CHANNELS = 8


@dataclass(frozen=True)
class Layer:
    """A convolution; ``shape`` is height, width, channels; ``drawn`` the channels in the file."""

    name: str
    shape: tuple[int, ...]
    drawn: tuple[int, ...] = ()


@dataclass(frozen=True)
class LayersReport(Report):
    """What was drawn, the layers in the order in which they run.

    ``label`` is None when it is not known.
    """

    run: Path
    file: Path
    picture: str
    label: str | None
    predicted: str
    probability: float
    layers: tuple[Layer, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "run": str(self.run),
            "file": str(self.file),
            "picture": self.picture,
            "label": self.label,
            "predicted": self.predicted,
            "probability": self.probability,
            "layers": [
                {"name": one.name, "shape": list(one.shape), "drawn": list(one.drawn)}
                for one in self.layers
            ],
        }

    def blocks(self) -> Sequence[Block]:
        """The image and its prediction, then the convolutions."""
        rows: list[tuple[str, object]] = [
            ("picture", self.picture),
            *([("is", self.label)] if self.label else []),
            ("taken for", f"{self.predicted}, {percent(self.probability)}"),
            ("drawn", str(self.file)),
        ]
        layers = [
            (one.name, " x ".join(map(str, one.shape)), ", ".join(map(str, one.drawn)) or "-")
            for one in self.layers
        ]
        head = ("convolution", "height x width x channels", "channels drawn")
        return (Facts("layers", rows), Table(head, layers))


def layers(
    path: Path | str,
    picture: Path | str | None = None,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> LayersReport:
    """Draw what a picture model's convolutions make of a picture.

    The picture, and below it up to eight convolutions, evenly spread from the first to the
    last, each with the eight channels whose values vary most over the picture.

    Args:
        path: the run's folder.
        picture: a file, brought to the model's size; the first row of the run's own test split
            when not given.
        out: the PNG to write; ``plots/layers.png`` in the run when not given.
        progress: told of reading the run's rows.

    Raises:
        RunError: the run cannot be used.
        ConfigError: it is a run of texts, or its network has no convolution.
        DataError: the picture, or the run's own rows, cannot be read.
    """
    run = load_run(path)
    if run.shape is None:
        raise ConfigError(
            f"{run.path} classifies texts, and layers are drawn for pictures; give a run that"
            " was trained on pictures."
        )
    make_deterministic(run.config.train.seed)
    network = run.network()
    pixels, name, label = _picture(run, run.shape, picture, progress)
    heard, chances = listen(network, pixels)
    if not heard:
        raise ConfigError(
            f"the network of {run.path} has no 2-D convolution, so there is nothing to draw;"
            f" looked for {', '.join(_CONVOLUTIONS)}."
        )
    best = int(chances.argmax())
    chosen = np.unique(np.linspace(0, len(heard) - 1, _ROWS).round().astype(int)).tolist()
    drawn = {}
    for i in chosen:
        layer, values = heard[i]
        drawn[i] = LayerMaps(layer, values, strongest(values, _CHANNELS))
    report = LayersReport(
        run=run.path,
        file=Path(out) if out is not None else run.path / "plots" / "layers.png",
        picture=name,
        label=label,
        predicted=run.labels[best],
        probability=float(chances[best]),
        layers=tuple(
            Layer(layer, values.shape, drawn[i].channels if i in drawn else ())
            for i, (layer, values) in enumerate(heard)
        ),
    )
    answer = f"{report.predicted} {report.probability:.0%}"
    title = f"{Path(name).name[-50:]}:  {answer if label is None else f'{label} → {answer}'}"
    if len(drawn) < len(heard):
        title += f"  ({len(drawn)} of {len(heard)} convolutions)"
    draw_layers(report.file, pixels, list(drawn.values()), title=title)
    return report


def listen(network: keras.Model, pixels: UInt8Array) -> tuple[list[tuple[str, FloatArray]], Any]:
    """Name and values ``[h, w, channels]`` of every 2-D convolution, in the order of running.

    Also the probabilities, float32 ``[classes]``. A layer that runs twice is heard twice. The
    values are those after the normalisation and the activation that follow the convolution,
    since before them they show mostly how bright the picture is; a pooling among them is left
    out, since it would take half of each side away.
    """
    ear = _Ear()
    hooked = [layer for layer in network._flatten_layers() if isinstance(layer, ear.kinds)]
    for layer in hooked:
        layer.call = ear.on(layer)
    try:
        outputs = network(keras.ops.convert_to_tensor(pixels[None]), training=False)
    finally:
        for layer in hooked:
            del layer.call
    return ear.heard(), two_columns(keras.ops.convert_to_numpy(outputs))[0]


class _Ear:
    """Keeps the output of every convolution as the first activation after it leaves it."""

    def __init__(self) -> None:
        self.convolutions = _kinds(_CONVOLUTIONS)
        self.activations = _kinds(_ACTIVATIONS)
        self.poolings = _kinds(_POOLINGS)
        self.kinds = (
            *self.convolutions,
            *_kinds(_NORMALISATIONS),
            *self.poolings,
            *self.activations,
        )
        self.found: list[tuple[Any, Any]] = []
        # By the identity of a tensor, which is kept so that no other gets it: its place.
        self.open: dict[int, tuple[Any, int]] = {}

    def on(self, layer: Any) -> Callable[..., Any]:
        """The layer's call, overheard."""
        call = layer.call

        def overheard(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            outputs = call(inputs, *args, **kwargs)
            if isinstance(layer, self.convolutions):
                self.found.append((layer, outputs))
                if layer.activation is keras.activations.linear:
                    self.open[id(outputs)] = (outputs, len(self.found) - 1)
            elif id(inputs) in self.open:
                _, place = self.open.pop(id(inputs))
                if not isinstance(layer, self.poolings):
                    convolution, kept = self.found[place]
                    self.found[place] = (convolution, call(kept, *args, **kwargs))
                if not isinstance(layer, self.activations):
                    self.open[id(outputs)] = (outputs, place)
            return outputs

        return overheard

    def heard(self) -> list[tuple[str, FloatArray]]:
        """What was kept, channels last."""
        arrays = []
        for layer, outputs in self.found:
            values = np.asarray(keras.ops.convert_to_numpy(outputs), np.float32)[0]
            first = layer.data_format == "channels_first"
            arrays.append((layer.name, np.moveaxis(values, 0, -1) if first else values))
        return arrays


def _kinds(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(keras.layers, name) for name in names)


def strongest(values: FloatArray, count: int) -> tuple[int, ...]:
    """The channels of ``[h, w, channels]`` that vary most, most first.

    Where all are constant, as in maps of one pixel, those furthest from zero.
    """
    flat = values.reshape(-1, values.shape[-1])
    order = np.lexsort((-np.abs(flat).mean(axis=0), -flat.std(axis=0)))
    return tuple(order[:count].tolist())


def _picture(
    run: Run, shape: ImageShape, picture: Path | str | None, progress: Progress | None
) -> tuple[UInt8Array, str, str | None]:
    """Pixels of the model's shape, where they came from, and their label if it is known."""
    if picture is None:
        rows = split_of(reload_data(run.config.data, run.data, run.path, progress), "test")
        pixels = rows.inputs.take(np.zeros(1, np.int64))[0]
        return pixels, rows.inputs.origin(0), run.labels[rows.labels[0]]
    try:
        pixels = images.decode_image(images.read_encoded(Path(picture)), channels=shape[2])
    except DataError as error:
        raise DataError(f"{picture}: {error}; expected a picture of any size.") from None
    return images.resize_image(pixels, shape[:2]), str(picture), None
