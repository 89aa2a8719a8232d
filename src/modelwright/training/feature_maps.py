"""Draws the feature maps of an image model: the outputs of its convolutions for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, Progress, UInt8Array
from modelwright.data.images import decode_image, read_encoded, resize_image
from modelwright.plots.feature_maps import LayerMaps, draw_layers
from modelwright.runs.rows import reload_data, split_of
from modelwright.runs.run import Run, load_run
from modelwright.training.convolution_outputs import (
    CONVOLUTIONS,
    convolution_outputs,
    most_varied_channels,
)
from modelwright.training.runtime import make_deterministic

_LAYERS = 8
_CHANNELS = 8


@dataclass(frozen=True)
class Layer:
    """A convolution.

    Attributes:
        name: its name in the network.
        shape: height, width and channels of its output.
        drawn: the channels in the plot; empty if the layer is not in the plot.
    """

    name: str
    shape: tuple[int, ...]
    drawn: tuple[int, ...] = ()


@dataclass(frozen=True)
class LayersReport(Report):
    """The plot, the prediction, and the layers in the order in which they run.

    ``label`` is None for an image without a known label.
    """

    run: Path
    file: Path
    image: str
    label: str | None
    predicted: str
    probability: float
    layers: tuple[Layer, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            "run": str(self.run),
            "file": str(self.file),
            "picture": self.image,
            "label": self.label,
            "predicted": self.predicted,
            "probability": self.probability,
            "layers": [
                {"name": one.name, "shape": list(one.shape), "drawn": list(one.drawn)}
                for one in self.layers
            ],
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the image and its prediction, then the convolutions."""
        rows: list[tuple[str, object]] = [
            ("image", self.image),
            *([("label", self.label)] if self.label else []),
            ("predicted", f"{self.predicted}, {percent(self.probability)}"),
            ("plot", str(self.file)),
        ]
        layers = [
            (one.name, " x ".join(map(str, one.shape)), ", ".join(map(str, one.drawn)) or "-")
            for one in self.layers
        ]
        headers = ("convolution", "height x width x channels", "channels drawn")
        return (Facts("layers", rows), Table(headers, layers))


def layers(
    path: Path | str,
    image: Path | str | None = None,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> LayersReport:
    """Draws the outputs of an image model's convolutions for one image.

    The plot shows the image and, below it, up to eight convolutions, evenly spaced from the first
    to the last. Each has the eight channels whose values vary most over the image.

    Args:
        path: the run's folder.
        image: an image file, which is resized to the model's size. Without it, the first row of
            the run's test split.
        out: the PNG to write; ``plots/layers.png`` in the run by default.
        progress: called while the run's rows are read.

    Raises:
        RunError: the run cannot be used.
        ConfigError: the run is of texts, or its network has no convolution.
        DataError: the image, or the run's rows, cannot be read.
    """
    run = load_run(path)
    make_deterministic(run.config.train.seed)
    pixels, name, label = _load_image(run, image, progress)
    outputs, probabilities = convolution_outputs(run.network(), pixels)
    if not outputs:
        raise ConfigError(
            f"the network of {run.path} has no 2-D convolution, so there is nothing to draw;"
            f" looked for {', '.join(CONVOLUTIONS)}."
        )
    maps = _chosen_maps(outputs)
    best = int(probabilities.argmax())
    report = LayersReport(
        run=run.path,
        file=Path(out) if out is not None else run.path / "plots" / "layers.png",
        image=name,
        label=label,
        predicted=run.labels[best],
        probability=float(probabilities[best]),
        layers=tuple(
            Layer(layer, values.shape, maps[i].channels if i in maps else ())
            for i, (layer, values) in enumerate(outputs)
        ),
    )
    draw_layers(report.file, pixels, list(maps.values()), title=_title(report, len(maps)))
    return report


def _chosen_maps(outputs: Sequence[tuple[str, FloatArray]]) -> dict[int, LayerMaps]:
    """Returns what to draw of the outputs, by position."""
    positions = np.unique(np.linspace(0, len(outputs) - 1, _LAYERS).round().astype(int)).tolist()
    chosen = [(i, *outputs[i]) for i in positions]
    return {
        i: LayerMaps(name, values, most_varied_channels(values, _CHANNELS))
        for i, name, values in chosen
    }


def _title(report: LayersReport, drawn: int) -> str:
    prediction = f"{report.predicted} {report.probability:.0%}"
    if report.label is not None:
        prediction = f"{report.label} → {prediction}"
    title = f"{Path(report.image).name[-50:]}:  {prediction}"
    if drawn < len(report.layers):
        title += f"  ({drawn} of {len(report.layers)} convolutions)"
    return title


def _load_image(
    run: Run, image: Path | str | None, progress: Progress | None
) -> tuple[UInt8Array, str, str | None]:
    """Returns pixels of the model's shape, their origin, and their label if it is known."""
    if run.shape is None:
        raise ConfigError(
            f"{run.path} classifies texts, but layers are drawn for images; give a run that was"
            " trained on images."
        )
    if image is None:
        rows = split_of(reload_data(run.config.data, run.data, run.path, progress), "test")
        pixels = rows.inputs.take(np.zeros(1, np.int64))[0]
        return pixels, rows.inputs.origin(0), run.labels[rows.labels[0]]
    try:
        pixels = decode_image(
            read_encoded(Path(image)), channels=run.shape[2], orient=run.config.data.orientation
        )
    except DataError as error:
        raise DataError(f"{image}: {error}; expected an image of any size.") from None
    return resize_image(pixels, run.shape[:2]), str(image), None
