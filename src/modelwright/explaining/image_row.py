"""An image whose cells can be taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwright.core.types import BoolArray, FloatArray, RawInput, UInt8Array
from modelwright.data.images import decode_image, encode_png, resize_image
from modelwright.explaining.explained_model import ExplainedModel
from modelwright.explaining.method import ImageSegment

GRID = 8
"""Number of cells along each side of an image."""
_BATCH = 64


class ImageRow:
    """An image, cut into cells of a grid over the pixels that the network reads.

    A cell is taken out by giving it the mean color of the image. Segments are rectangles of the
    upright image as it was given, before it was resized for the network.
    """

    def __init__(self, model: ExplainedModel, file: RawInput) -> None:
        """Decodes an image and cuts it.

        Args:
            model: a model of images.
            file: the bytes of an encoded image, as ``Predictor.checked`` returns them.

        Raises:
            DataError: the image cannot be decoded.
        """
        self.model, self.engine = model, model.predictor.engine
        if model.network is not None:
            self.network = model.network
            """Of a run alone: what gradient methods read."""
        manifest = model.predictor.manifest
        height, width, channels = manifest.shape or (1, 1, 3)
        content = file if isinstance(file, bytes) else b""
        self.image = decode_image(content, channels=channels, orient=manifest.orients)
        """The upright image as it was given, uint8 ``[height, width, channels]``."""
        prepared = np.asarray(self.engine.prepare([content]))
        self.runs_on_pixels = prepared.dtype == np.uint8 and prepared.shape[1:] == manifest.shape
        resized = resize_image(self.image, (height, width))
        self.pixels: UInt8Array = prepared[0] if self.runs_on_pixels else resized
        """The pixels that the network reads, uint8 ``[h, w, c]``."""
        self.color = self.pixels.reshape(-1, channels).mean(axis=0).round().astype(np.uint8)
        rows, columns = _edges(height, self.image.shape[0]), _edges(width, self.image.shape[1])
        self.grid = (len(rows) - 1, len(columns) - 1)
        """Number of cells down and across."""
        row, column = _positions(rows), _positions(columns)
        self.places: npt.NDArray[np.int64] = row[:, None] * self.grid[1] + column[None]
        """The segment of each pixel, int64 ``[h, w]``."""
        self.segments: Sequence[ImageSegment] = _rectangles(
            _scaled(rows, self.image.shape[0]), _scaled(columns, self.image.shape[1])
        )
        self.groups: Sequence[range] = [range(len(self.segments))]

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of ``n`` masked images.

        Args:
            kept: bool ``[n, segments]``; False takes a cell out.
        """
        parts = [np.empty((0, len(self.model.labels)), np.float32)]
        for start in range(0, len(kept), _BATCH):
            masked = self.inputs(kept[start : start + _BATCH])
            if self.runs_on_pixels:
                parts.append(self.engine.run(masked))
            else:
                parts.append(self.engine.probabilities([encode_png(one) for one in masked]))
        return np.concatenate(parts)

    def inputs(self, kept: BoolArray) -> UInt8Array:
        """Returns pixels uint8 ``[n, h, w, c]`` without some cells, as a network reads them.

        Args:
            kept: bool ``[n, segments]``; False takes a cell out.
        """
        return np.where(kept[:, self.places][..., None], self.pixels, self.color)

    def notes(self) -> list[str]:
        """Returns what a reader must know of how the image was cut."""
        rows, columns = self.grid
        found = [f"a grid of {rows} x {columns} cells; a cell is taken out by the mean color"]
        if self.image.shape != self.pixels.shape:
            sizes = (f"{one.shape[1]} x {one.shape[0]}" for one in (self.image, self.pixels))
            given, read = sizes
            found.append(f"the image of {given} pixels is resized to {read} for the network")
        if not self.runs_on_pixels:
            found.append("the engine gets each masked image as a PNG file")
        return found

    def heat(self, weights: FloatArray) -> FloatArray:
        """Returns weights of the cells as a map float32 ``[down, across]``."""
        return weights.reshape(self.grid)


def _edges(pixels: int, given: int) -> npt.NDArray[np.int64]:
    """Returns where cells begin and end along a side that the network reads."""
    cells = min(GRID, pixels, given)
    return np.round(np.linspace(0, pixels, cells + 1)).astype(np.int64)


def _positions(edges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns the cell of each pixel along a side."""
    return np.repeat(np.arange(len(edges) - 1), np.diff(edges))


def _scaled(edges: npt.NDArray[np.int64], given: int) -> list[int]:
    """Returns the edges in pixels of the image as it was given."""
    scaled: list[int] = np.round(edges * given / edges[-1]).astype(int).tolist()
    return scaled


def _rectangles(rows: Sequence[int], columns: Sequence[int]) -> list[ImageSegment]:
    return [
        ImageSegment(top, left, rows[down + 1] - top, columns[across + 1] - left)
        for down, top in enumerate(rows[:-1])
        for across, left in enumerate(columns[:-1])
    ]
