"""A classifier in scikit-learn's manner, over the same path as the commands."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modelwright.api.train import train
from modelwright.core.errors import ConfigError
from modelwright.core.files import write_atomic
from modelwright.core.types import FloatArray
from modelwright.exporting.export import export
from modelwright.servable.predictor import Predictor, load_predictor


class Classifier:
    """``fit``, ``predict``, ``predict_proba`` and ``score`` on texts or uint8 pictures.

    What ``fit`` leaves behind is a run and a servable like any other: ``run_`` and
    ``servable_`` say where.

        >>> Classifier("bilstm", train={"epochs": 3}).fit(texts, labels).predict(["好"])
    """

    def __init__(
        self,
        recipe: str,
        *,
        model: Mapping[str, Any] | None = None,
        train: Mapping[str, Any] | None = None,
        folder: Path | str | None = None,
    ) -> None:
        """Say how to train; nothing happens yet.

        Args:
            recipe: a recipe's name, or a function as ``package.module:function``.
            model: options of its builder.
            train: keys of ``[train]``.
            folder: where run, data and servable are kept; a temporary one when not given.
        """
        self.recipe = recipe
        self.model = model
        self.train = train
        self.folder = folder

    def fit(self, x: Sequence[str] | np.ndarray, y: Sequence[Any]) -> Classifier:
        """Train on texts, or on uint8 pictures ``[n, h, w]`` or ``[n, h, w, c]``.

        A tenth of the rows is held out for early stopping, and another for the check of the
        export.

        Raises:
            ConfigError: ``x`` and ``y`` are not equally long.
            DataError: the rows cannot be used.
        """
        if len(x) != len(y):
            raise ConfigError(f"x has {len(x)} rows and y has {len(y)}; expected as many labels.")
        folder = Path(self.folder or tempfile.mkdtemp(prefix="modelwright-"))
        folder.mkdir(parents=True, exist_ok=True)
        report = train(
            data={"source": str(_store(folder, x, y))},
            model={**(self.model or {}), "recipe": self.recipe},
            train=self.train,
            out=folder / "run",
        )
        self.run_ = report.run
        self.servable_ = export(report.run, folder / "model").servable
        self._predictor: Predictor = load_predictor(self.servable_)
        self.classes_ = np.array(self._predictor.manifest.labels)
        return self

    def predict_proba(self, x: Sequence[str] | np.ndarray) -> FloatArray:
        """Class probabilities float32 ``[n, classes]``, columns in the order of ``classes_``."""
        answers = self._answers(x)
        return np.array([list(a.probabilities.values()) for a in answers], np.float32).reshape(
            -1, len(self.classes_)
        )

    def predict(self, x: Sequence[str] | np.ndarray) -> np.ndarray:
        """The most probable label of each row, as text."""
        best = self.predict_proba(x).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def score(self, x: Sequence[str] | np.ndarray, y: Sequence[Any]) -> float:
        """The share of rows whose label is predicted."""
        return float(np.mean(self.predict(x) == np.array([str(label) for label in y])))

    def _answers(self, x: Sequence[str] | np.ndarray) -> list[Any]:
        if not hasattr(self, "_predictor"):
            raise ConfigError("this Classifier is not fitted yet; call fit(x, y) first.")
        if isinstance(x, np.ndarray) and x.dtype == np.uint8:
            from modelwright.data.images import encode_png

            pictures = x[..., None] if x.ndim == 3 else x
            return self._predictor.predict([encode_png(picture) for picture in pictures])
        return self._predictor.predict([str(text) for text in x])


def _store(folder: Path, x: Sequence[str] | np.ndarray, y: Sequence[Any]) -> Path:
    """The rows as a file that a run can be resumed and checked from."""
    labels = [str(label) for label in y]
    if isinstance(x, np.ndarray) and x.dtype == np.uint8:
        names = sorted(set(labels))
        path = folder / "data.npz"
        numbers = np.searchsorted(names, labels)
        write_atomic(path, lambda file: np.savez(file, x=x, y=numbers, classes=np.array(names)))
        return path
    path = folder / "data.parquet"
    rows = pa.table({"text": [str(text) for text in x], "label": labels})
    write_atomic(path, lambda file: pq.write_table(rows, file))
    return path
