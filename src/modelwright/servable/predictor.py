"""The one path by which a servable answers, whatever engine runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import DataError
from modelwright.core.types import Engine, RawInput
from modelwright.data.images import portable_image
from modelwright.servable import manifest
from modelwright.servable.engines import open_engine
from modelwright.servable.manifest import Manifest


@dataclass(frozen=True)
class Prediction:
    """The most probable label, its probability, and every label's."""

    label: str
    score: float
    probabilities: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return dict(vars(self))

    def top(self, count: int) -> list[tuple[str, float]]:
        """The ``count`` most probable labels, the best first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return ranked[:count]


@dataclass(frozen=True)
class Predictor:
    """A loaded servable."""

    folder: Path
    manifest: Manifest
    engine: Engine

    def predict(self, inputs: Sequence[RawInput | Path]) -> list[Prediction]:
        """Classify texts, or pictures given as paths or as the bytes of encoded files.

        Raises:
            DataError: an input that this model cannot take, by its position.
        """
        rows = [self._checked(row, position) for position, row in enumerate(inputs)]
        labels = self.manifest.labels
        answers = []
        for chances in self.engine.probabilities(rows):
            best = int(chances.argmax())
            named = {label: float(p) for label, p in zip(labels, chances, strict=True)}
            answers.append(Prediction(labels[best], float(chances[best]), named))
        return answers

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
                raise DataError(f"the picture {where} cannot be read: {error.strerror}.") from None
        if not isinstance(row, bytes):
            raise DataError(
                f"{where} is {type(row).__name__}, but {self.folder} classifies pictures;"
                " expected a path, or bytes of an encoded picture."
            )
        try:
            return portable_image(row)
        except DataError as error:
            raise DataError(f"{where} cannot be used: {error}") from None


def load(path: Path | str, *, engine: str = "auto") -> Predictor:
    """Load a servable: a version's folder, or a model's, which means its newest version.

    Args:
        path: ``models/NAME`` or ``models/NAME/VERSION``.
        engine: which one runs it; ``auto`` takes the fastest that is there.

    Raises:
        ServableError: it is not there, or not as it was exported.
        ConfigError: it does not hold that engine.
    """
    folder = manifest.find(Path(path))
    about = manifest.read(folder)
    return Predictor(folder, about, open_engine(engine, folder, about))
