"""The exceptions for users. Each says what was given, what was expected, and what to do.

    ModelwrightError               1
    ├── ConfigError                2   a config, an option or an argument
    ├── DataError                  3   a data source, or rows in it
    ├── RunError                   4   a run folder
    ├── ServableError              5   a servable folder
    │   └── ParityError            6   engines that do not agree
    └── MissingDependencyError     7   a package that is missing or cannot be loaded

The number is the exit code of the command. An interrupted command ends with 130. An exception
outside this tree is a bug and keeps its traceback.
"""

from __future__ import annotations


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
