"""A classifier with scikit-learn's interface, built on the same functions as the commands."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modelwright.api.train import resolve_settings
from modelwright.core.errors import ConfigError
from modelwright.core.files import write_atomic
from modelwright.core.types import FloatArray
from modelwright.data.images import encode_png
from modelwright.exporting.export import export
from modelwright.servable.predictor import Prediction, Predictor, load_predictor
from modelwright.training.train import train


class Classifier:
    """Classifies texts or uint8 images with ``fit``, ``predict``, ``predict_proba`` and ``score``.

    ``fit`` writes an ordinary run and an ordinary servable; ``run_`` and ``servable_`` are their
    folders.

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
        """Stores the settings; ``fit`` does the training.

        Args:
            recipe: a recipe's name, or a function as ``package.module:function``.
            model: options of its builder.
            train: keys of ``[train]``.
            folder: folder for the run, the data and the servable; a temporary one by default.
        """
        self.recipe = recipe
        self.model = model
        self.train = train
        self.folder = folder

    def fit(self, x: Sequence[str] | np.ndarray, y: Sequence[Any]) -> Classifier:
        """Trains on texts, or on uint8 images ``[n, h, w]`` or ``[n, h, w, c]``.

        A tenth of the rows is held out for early stopping, and another tenth to check the export.

        Raises:
            ConfigError: ``x`` and ``y`` differ in length.
            DataError: the rows cannot be used.
        """
        if len(x) != len(y):
            raise ConfigError(
                f"x has {len(x)} rows and y has {len(y)}; expected one label per row."
            )
        folder = Path(self.folder or tempfile.mkdtemp(prefix="modelwright-"))
        folder.mkdir(parents=True, exist_ok=True)
        tables = {
            "data": {"source": str(_store_rows(folder, x, y))},
            "model": {**(self.model or {}), "recipe": self.recipe},
            "train": self.train,
        }
        # Nobody sees the report, so no baselines are fitted for it.
        report = train(resolve_settings(None, tables), out=folder / "run", baselines=False)
        self.run_ = report.run
        self.servable_ = export(report.run, folder / "model").servable
        self._predictor: Predictor = load_predictor(self.servable_)
        self.classes_ = np.array(self._predictor.manifest.labels)
        return self

    def predict_proba(self, x: Sequence[str] | np.ndarray) -> FloatArray:
        """Returns class probabilities float32 ``[n, classes]``, ordered as ``classes_``."""
        predictions = self._predictions(x)
        rows = [list(prediction.probabilities.values()) for prediction in predictions]
        return np.array(rows, np.float32).reshape(-1, len(self.classes_))

    def predict(self, x: Sequence[str] | np.ndarray) -> np.ndarray:
        """Returns the most probable label of each row, as text."""
        best = self.predict_proba(x).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def score(self, x: Sequence[str] | np.ndarray, y: Sequence[Any]) -> float:
        """Returns the share of rows whose label is predicted."""
        return float(np.mean(self.predict(x) == np.array([str(label) for label in y])))

    def _predictions(self, x: Sequence[str] | np.ndarray) -> list[Prediction]:
        if not hasattr(self, "_predictor"):
            raise ConfigError(
                "this Classifier is not fitted yet; expected a fitted one. Call fit(x, y) first."
            )
        if isinstance(x, np.ndarray) and x.dtype == np.uint8:
            images = x[..., None] if x.ndim == 3 else x
            return self._predictor.predict([encode_png(image) for image in images])
        return self._predictor.predict([str(text) for text in x])


def _store_rows(folder: Path, x: Sequence[str] | np.ndarray, y: Sequence[Any]) -> Path:
    """Writes the rows into a file, so that the run can be resumed and checked; returns its path."""
    labels = [str(label) for label in y]
    if isinstance(x, np.ndarray) and x.dtype == np.uint8:
        names = sorted(set(labels))
        path = folder / "data.npz"
        positions = np.searchsorted(names, labels)
        write_atomic(path, lambda file: np.savez(file, x=x, y=positions, classes=np.array(names)))
        return path
    path = folder / "data.parquet"
    rows = pa.table({"text": [str(text) for text in x], "label": labels})
    write_atomic(path, lambda file: pq.write_table(rows, file))
    return path
