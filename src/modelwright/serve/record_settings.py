"""The settings of recording: where requests are kept with their answers, how many, for how long."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.serve.limits import LONGEST_SECONDS, RequestLimits

_MIB = 2**20
_LARGEST_FILE_ROWS = 10_000
_LARGEST_FILE_BYTES = 16 * _MIB
_FILES_IN_ALL = 10
"""Files that the rows and the bytes of a model are shared by at least."""
RECORD_OPTIONS = {
    "share": "--record-share",
    "rows": "--record-max-rows",
    "size": "--record-max-size",
    "files": "--record-max-files",
    "queue": "--record-queue",
    "seconds": "--record-seconds",
}
"""The option of each setting."""


@dataclass(frozen=True)
class RecordSettings:
    """Where and how answers are recorded. The bounds hold for each model."""

    folder: str
    share: float = 1.0
    """Share of the rows to record, drawn at random."""
    rows: int = 100_000
    """Rows of a model's files together."""
    size: int = 2**30
    """Bytes of a model's files together."""
    files: int = 1_000
    queue: int = 10_000
    """Rows of one worker that wait to be written; further ones are dropped."""
    seconds: float = 60.0
    """Seconds after which waiting rows are written, however few they are."""

    @property
    def file_rows(self) -> int:
        """The most rows of one file."""
        return max(1, min(_LARGEST_FILE_ROWS, self.rows // _FILES_IN_ALL))

    @property
    def file_bytes(self) -> int:
        """The bytes of texts or images after which a file gets no more rows."""
        return min(_LARGEST_FILE_BYTES, self.size // _FILES_IN_ALL)


def check_record_settings(
    record: RecordSettings, limits: RequestLimits, served: tuple[str, ...]
) -> None:
    """Checks the settings, and makes the folder if it is missing.

    Args:
        record: the settings.
        limits: the bounds on requests, whose largest text or image must fit.
        served: the folders that models are served from.

    Raises:
        ConfigError: a number is out of bounds, or nothing can be written to the folder.
    """
    _check_numbers(record)
    largest = max(limits.text, limits.image)
    if record.size < 2 * largest:
        raise ConfigError(
            f"--record-max-size was given {record.size / _MIB:g}, in MiB; expected at least"
            f" {2 * largest / _MIB:g}, twice the largest text or image (--max-text, --max-image),"
            " so that each fits."
        )
    folder = Path(record.folder).resolve()
    for path in map(Path, served):
        models = path.resolve()
        if folder.is_relative_to(models) or models.is_relative_to(folder):
            raise ConfigError(
                f"--record was given {record.folder}, which shares a folder with the models in"
                f" {path}; expected a folder apart from them."
            )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"--record was given {record.folder}, which cannot be written:"
            f" {error.strerror}; expected a folder that can be, or one that can be made."
        ) from None


def _check_numbers(record: RecordSettings) -> None:
    for name in ("rows", "size", "files", "queue", "seconds"):
        value = getattr(record, name)
        if not value > 0:  # also a value that is no number
            raise ConfigError(f"{RECORD_OPTIONS[name]} was given {value}; expected more than 0.")
    if record.seconds > LONGEST_SECONDS:
        raise ConfigError(
            f"--record-seconds was given {record.seconds:g}; expected at most"
            f" {LONGEST_SECONDS:,.0f}."
        )
    if not 0 < record.share <= 1:
        raise ConfigError(
            f"--record-share was given {record.share:g}; expected more than 0, at most 1."
        )
