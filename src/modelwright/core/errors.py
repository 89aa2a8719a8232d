"""The exceptions for users. Each says what was given, what was expected, and what to do.

    ModelwrightError               1
    ├── ConfigError                2   a config, an option or an argument
    ├── DataError                  3   a data source, or rows in it
    ├── RunError                   4   a run folder
    ├── ServableError              5   a servable folder
    │   └── ParityError            6   engines that do not agree
    ├── MissingDependencyError     7   a package that is missing or cannot be loaded
    └── WriteError                 8   a file or folder that the system does not let be written

The number is the exit code of the command. ``drift --fail`` ends with 9 if the data drifted, which
is no error. An interrupted command ends with 130. An exception outside this tree is a bug and keeps
its traceback.
"""

from __future__ import annotations

import errno
from pathlib import Path


class ModelwrightError(Exception):
    """Base of all errors with a message for the user. ``str()`` is one line."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class ConfigError(ModelwrightError):
    """A config file, an option or an argument cannot be used."""

    exit_code = 2


class DataError(ModelwrightError):
    """A data source or its rows cannot be used."""

    exit_code = 3


class RunError(ModelwrightError):
    """A run folder is missing, incomplete or changed."""

    exit_code = 4


class ServableError(ModelwrightError):
    """A servable folder is missing, changed or cannot be written."""

    exit_code = 5


class ParityError(ServableError):
    """An engine does not give the predictions of the original model."""

    exit_code = 6


class MissingDependencyError(ModelwrightError):
    """A package that this operation needs is not installed or cannot be loaded."""

    exit_code = 7


class WriteError(ModelwrightError):
    """The system refuses to write a file: a full disk, a quota, missing permissions."""

    exit_code = 8


DRIFTED = 9
"""The exit code of ``drift --fail`` if the data drifted."""
_ROOM = "Free space there, or choose a folder on another disk."
_PERMISSION = "Change its permissions, or choose another folder."
REFUSALS = {
    errno.ENOSPC: _ROOM,
    errno.EFBIG: "Raise the limit of the size of files (ulimit -f), or choose another folder.",
    errno.EROFS: "Choose a folder that is not on a read-only disk.",
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
}
"""What to do when the system refuses to write a file, by the number of its error."""
if hasattr(errno, "EDQUOT"):  # not on Windows
    REFUSALS[errno.EDQUOT] = "Delete files of yours there, or choose a folder on another disk."


def write_error(error: OSError, path: Path | str = "", advice: str = "") -> WriteError | None:
    """Returns the error for a refused write; None for another error.

    Args:
        error: the error of the system. The file that it names is shown.
        path: what was written, if ``error`` names no file.
        advice: more to do, as a sentence.
    """
    if error.errno not in REFUSALS:
        return None
    where = error.filename or path or "the output"
    return WriteError(
        f"{where} cannot be written: {error.strerror}. {REFUSALS[error.errno]} {advice}"
    )


def write_advice(error: BaseException) -> str:
    """Returns what to do after a failed write, as a sentence. The reason may be unknown."""
    code = getattr(error, "errno", None)
    if code in (errno.EROFS, errno.EACCES, errno.EPERM):
        return REFUSALS[code]
    return "Make room or give another folder."


LONGEST = 300
"""Largest number of characters of another library's message that is shown."""


def graph_reason(message: str) -> str:
    """Returns the reason in the message of an error that a TensorFlow graph raised.

    Headings may stand before it, and a trace behind it.
    """
    lines = [line.strip() for line in message.split("\n\t [[")[0].splitlines() if line.strip()]
    reason = lines[-1] if lines else ""
    _, failed, checked = reason.rpartition("assertion failed: [")
    return checked.removesuffix("]") if failed else reason


def brief(error: BaseException) -> str:
    """Returns the first line of an exception's message, or its class if it has no message."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:LONGEST]
