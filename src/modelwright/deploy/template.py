"""Files with gaps, below ``templates/``, and the values that fill them.

``string.Template`` knows no YAML. So what fills a gap is a number, a word that was checked against
a pattern, or ``quoted``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from string import Template

from modelwright.core.errors import ConfigError

_FOLDER = files("modelwright.deploy").joinpath("templates")


def fill(name: str, values: dict[str, object] | None = None) -> str:
    """The template of that name with its gaps filled."""
    text = _FOLDER.joinpath(f"{name}.in").read_text("utf-8")
    return Template(text).substitute(values or {})


def quoted(text: str) -> str:
    """A text as a YAML scalar in double quotes, which a JSON string is too.

    Raises:
        ConfigError: it holds a control character, or one that has no place in YAML.
    """
    if not text.isprintable():
        raise ConfigError(
            f"{text!r} holds a character that cannot be printed, which no file for a deployment"
            " should hold; rename the folder."
        )
    return json.dumps(text, ensure_ascii=False)


def indented(text: str, columns: int) -> str:
    """Lines moved to the right, for a block in YAML; the last without its end."""
    return "\n".join(" " * columns + line if line else "" for line in text.rstrip().splitlines())
