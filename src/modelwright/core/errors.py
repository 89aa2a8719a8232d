"""The exceptions a user can meet. Each says what was given, what was expected, what to do.

    ModelwrightError               1
    ├── ConfigError                2   a config, an option or an argument
    ├── DataError                  3   a data source, or rows in it
    ├── RunError                   4   a run folder
    ├── ServableError              5   a servable folder
    │   └── ParityError            6   engines that do not agree
    └── MissingDependencyError     7   a package that is missing or cannot be loaded

The number is the exit code of the command that ends with it. An interrupted command ends
with 130. What is not in this tree is a bug and keeps its traceback.
"""

from __future__ import annotations


class ModelwrightError(Exception):
    """Base of every error with a message meant for the user. ``str()`` is one line."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class ConfigError(ModelwrightError):
    """A config file, an option or an argument that cannot be used."""

    exit_code = 2


class DataError(ModelwrightError):
    """A data source, or its rows, that cannot be used."""

    exit_code = 3


class RunError(ModelwrightError):
    """A run folder that is missing, incomplete or changed."""

    exit_code = 4


class ServableError(ModelwrightError):
    """A servable folder that is missing, changed or cannot be written."""

    exit_code = 5


class ParityError(ServableError):
    """An engine that does not give the answers of the model it was made from."""

    exit_code = 6


class MissingDependencyError(ModelwrightError):
    """A package that this operation needs is not installed or cannot be loaded."""

    exit_code = 7


LONGEST = 300
"""Characters of another library's message that are passed on."""


def brief(error: BaseException) -> str:
    """The first line of what any exception says, or its kind where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:LONGEST]
