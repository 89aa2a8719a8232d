"""The folder of an audit, and the folds in it that are done before the others.

``OUT/folds/`` has the settings, ``fold-1.npz`` and so on, and the run of the fold in progress. It
is removed when the audit ends.
"""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError
from modelwright.core.files import write_atomic, write_json
from modelwright.core.types import FloatArray

RESULT = "audit.json"
_FOLDS, _SETTINGS = "folds", "settings.json"


class WorkFolder:
    """The out folder of one audit.

    Attributes:
        path: the folder.
        resumed: whether folds of a stopped audit are in it.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Makes the folder, or takes that of a stopped audit with the same settings.

        Raises:
            ConfigError: the folder holds something else.
            OSError: the folder cannot be written.
        """
        self.path, self._work = path, path / _FOLDS
        known = _read_settings(self._work / _SETTINGS)
        self.resumed = known is not None
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            _check_same(path, known, settings)
        if known is None:
            self._work.mkdir(parents=True, exist_ok=True)
            write_json(self._work / _SETTINGS, settings)

    @property
    def run(self) -> Path:
        """The run folder of the fold in progress."""
        return self._work / "run"

    def read(self, fold: int) -> FloatArray | None:
        """Returns the stored probabilities of a fold; None if it is not done."""
        try:
            content = (self._work / f"fold-{fold + 1}.npz").read_bytes()
            with np.load(BytesIO(content), allow_pickle=False) as stored:
                return np.asarray(stored["probabilities"], np.float32)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def write(self, fold: int, probabilities: FloatArray) -> None:
        """Stores the probabilities of a fold, and removes its run."""
        write_atomic(
            self._work / f"fold-{fold + 1}.npz",
            lambda file: np.savez(file, probabilities=probabilities),
        )
        shutil.rmtree(self.run, ignore_errors=True)

    def finish(self) -> None:
        """Removes what only a stopped audit needs."""
        shutil.rmtree(self._work, ignore_errors=True)

    @contextmanager
    def kept_if_useful(self) -> Iterator[None]:
        """Removes the folder if the block fails before anything is worth keeping."""
        try:
            yield
        except BaseException:
            if (
                not any(self._work.glob("fold-*.npz"))
                and not (self.run / "checkpoint.npz").exists()
            ):
                shutil.rmtree(self.path, ignore_errors=True)
            raise


def default_folder(config: Config) -> Path:
    """Returns ``audits/NAME-TIME``, with the name of the data."""
    source = config.data.source
    first = Path(source if isinstance(source, str) else source[0]).resolve()
    name = first.name if first.is_dir() else first.stem
    return Path("audits") / f"{name or 'audit'}-{time.strftime('%Y%m%d-%H%M%S')}"


def _read_settings(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _check_same(path: Path, known: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> None:
    if known is None or (path / RESULT).exists():
        raise ConfigError(
            f"the output folder {path} exists and is not empty; choose another with --out."
        )
    if known != json.loads(json.dumps(settings)):
        changed = [key for key in settings if known.get(key) != settings[key]]
        raise ConfigError(
            f"{path} holds a stopped audit with other settings ({', '.join(changed)}); give the"
            " same data, recipe and folds to go on with it, or choose another folder with --out."
        )
