"""Fills the placeholders of the files in ``templates/``.

``string.Template`` knows nothing about YAML. A value must therefore be a number, a word that was
checked against a pattern, or the result of ``yaml_quoted``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from string import Template

from modelwright.core.errors import ConfigError

_FOLDER = files("modelwright.deploy").joinpath("templates")


def fill_template(name: str, values: dict[str, object] | None = None) -> str:
    """Returns the template of that name with its placeholders filled."""
    text = _FOLDER.joinpath(f"{name}.in").read_text("utf-8")
    return Template(text).substitute(values or {})


def yaml_quoted(text: str) -> str:
    """Returns a text as a YAML scalar in double quotes. Every JSON string is such a scalar.

    Raises:
        ConfigError: the text has a control character, or one that YAML does not allow.
    """
    if not text.isprintable():
        raise ConfigError(
            f"{text!r} holds a character that cannot be printed, which no file for a deployment"
            " should hold; rename the folder."
        )
    return json.dumps(text, ensure_ascii=False)


def indented(text: str, columns: int) -> str:
    """Returns lines moved to the right, for a block in YAML, without a newline at the end."""
    return "\n".join(" " * columns + line if line else "" for line in text.rstrip().splitlines())


def without_blank_lines(text: str) -> str:
    """Returns a text without the empty lines that unused placeholders leave."""
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip())
