"""The predictor: a loaded servable that classifies texts or images, with any engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import Engine, FloatArray, Progress, RawInput, Rows
from modelwright.data.images import portable_image
from modelwright.data.served_images import serving_problem
from modelwright.servable.engines.registry import (
    REFERENCE,
    engine_kind,
    open_engine,
    resolve_engine,
)
from modelwright.servable.manifest import Manifest, find_version, read_manifest

_BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """The most probable label with its probability, and the probability of every label."""

    label: str
    score: float
    probabilities: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return dict(vars(self))

    def top(self, count: int) -> list[tuple[str, float]]:
        """Returns the ``count`` most probable labels with their probabilities, the best first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return ranked[:count]


@dataclass(frozen=True)
class Predictor:
    """A loaded servable."""

    folder: Path
    manifest: Manifest
    engine: Engine
    name: str = REFERENCE
    """The name of the engine in the manifest."""

    def predict(self, inputs: Sequence[RawInput | Path]) -> list[Prediction]:
        """Classifies texts, or images as paths or as the bytes of encoded files.

        Raises:
            DataError: the model cannot take an input; the message has its position.
        """
        rows = [self._checked(row, position) for position, row in enumerate(inputs)]
        return self._predict(rows)

    def predict_each(self, inputs: Sequence[RawInput | Path]) -> list[Prediction | DataError]:
        """Classifies as ``predict`` does, with an error in the place of an input without an answer.

        A text without any letter or sign is such an input, too.
        """
        rows: list[RawInput] = []
        answers: list[Prediction | DataError | None] = []
        for position, row in enumerate(inputs):
            try:
                if isinstance(row, str) and self.manifest.task == "text" and not row.strip():
                    raise DataError(f"input {position + 1} is an empty text.")
                rows.append(self._checked(row, position))
                answers.append(None)
            except DataError as error:
                answers.append(error)
        found = iter(self._predict(rows))
        return [next(found) if answer is None else answer for answer in answers]

    def _predict(self, rows: Sequence[RawInput]) -> list[Prediction]:
        labels = self.manifest.labels
        predictions = []
        for probabilities in self.engine.probabilities(rows):
            best = int(probabilities.argmax())
            by_label = {label: float(p) for label, p in zip(labels, probabilities, strict=True)}
            predictions.append(Prediction(labels[best], float(probabilities[best]), by_label))
        return predictions

    def checked(self, row: object, position: int = 0) -> RawInput:
        """Returns one input as an engine takes it: a text, or the bytes of an image file.

        Args:
            row: what the user gave.
            position: its position, for messages.

        Raises:
            DataError: the model cannot take it.
        """
        return self._checked(row, position)

    def try_images(self, images: Sequence[bytes]) -> tuple[FloatArray, list[str | None]]:
        """Returns the class probabilities of the bytes of images, and why an image has none.

        The probabilities are float32 ``[n, classes]``, NaN for an image that cannot be used.
        """
        try:
            # Engines other than the graph's decode with Pillow, which reports what is damaged.
            in_graph = engine_kind(self.name).needs_tensorflow
            rows = [
                self._portable(image) if in_graph or serving_problem(image) else image
                for image in images
            ]
            return self.engine.probabilities(rows), [None] * len(rows)
        except DataError as error:
            if len(images) == 1:
                return np.full((1, len(self.manifest.labels)), np.nan, np.float32), [str(error)]
        half = len(images) // 2
        parts = [self.try_images(images[:half]), self.try_images(images[half:])]
        return np.concatenate([p for p, _ in parts]), [one for _, found in parts for one in found]

    def classify_rows(self, rows: Rows, progress: Progress | None = None) -> FloatArray:
        """Returns class probabilities, float32 ``[n, classes]``, for ``core.measure.measure``.

        The engine gets each row as a client would send it.

        Args:
            rows: the inputs of a split of the model's task.
            progress: called with each batch.

        Raises:
            DataError: an image cannot be decoded.
        """
        parts = [np.empty((0, len(self.manifest.labels)), np.float32)]
        for start in range(0, len(rows), _BATCH):
            end = min(start + _BATCH, len(rows))
            batch = [self._checked(rows.raw(i), i) for i in range(start, end)]
            parts.append(self.engine.probabilities(batch))
            if progress:
                progress("evaluating", end, len(rows))
        return np.concatenate(parts)

    def _checked(self, row: object, position: int) -> RawInput:
        where = f"input {position + 1}"
        if self.manifest.task == "text":
            if not isinstance(row, str):
                raise DataError(
                    f"{where} is {type(row).__name__}, but {self.folder} classifies texts;"
                    " expected str."
                )
            try:
                row.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{where} is not valid Unicode: a lone surrogate at character {error.start};"
                    " expected text that can be written as UTF-8."
                ) from None
            return row
        if isinstance(row, (str, Path)):
            where = str(row)
            try:
                row = Path(row).read_bytes()
            except OSError as error:
                raise DataError(f"the image {where} cannot be read: {error.strerror}.") from None
        if not isinstance(row, bytes):
            raise DataError(
                f"{where} is {type(row).__name__}, but {self.folder} classifies images;"
                " expected a path, or the bytes of an encoded image."
            )
        try:
            return self._portable(row)
        except DataError as error:
            raise DataError(f"{where} cannot be used: {error}") from None

    def _portable(self, image: bytes) -> bytes:
        """Returns a file that this servable reads, with the image as training would see it."""
        # The graphs of earlier servables misread some BMP files.
        formats = self.manifest.decoding.get("formats", ("PNG", "JPEG", "GIF"))
        return portable_image(image, orient=self.manifest.orients, formats=formats)


def load_predictor(path: Path | str, *, engine: str = "auto") -> Predictor:
    """Loads a servable.

    Args:
        path: ``models/NAME/VERSION``, or ``models/NAME`` for its live version.
        engine: the engine that runs it; ``auto`` selects the fastest that is installed.

    Raises:
        ServableError: there is no servable, or its files have changed since the export.
        ConfigError: the servable does not hold that engine.
        MissingDependencyError: the package of the engine is not installed.
    """
    folder = find_version(Path(path))
    manifest = read_manifest(folder)
    return open_predictor(folder, manifest, engine)


def open_predictor(folder: Path, manifest: Manifest, engine: str) -> Predictor:
    """Loads one engine of a servable whose manifest was read and checked before.

    Raises:
        See ``load_predictor``.
    """
    name = resolve_engine(engine, folder, manifest)
    return Predictor(folder, manifest, open_engine(name, folder, manifest), name)
