"""Output on consoles that cannot show every character, and on pipes that close early.

A Chinese Windows console encodes in GBK, a terminal of an older system in ASCII. A character
outside of that is replaced there: lines of tables by ASCII, the rest by a question mark. So a
command never fails after its work is done.
"""

from __future__ import annotations

import codecs
import os
import sys
from typing import Any

_HANDLER = "modelwright.console"
_IN_ASCII = str.maketrans(
    {
        **dict.fromkeys("─━═╌┄╴╶╸╺–—−‐‑", "-"),
        **dict.fromkeys("│┃║╎┆", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬╒╕╘╛╞╡╤╧╪╓╖╙╜╟╢╥╨╫┏┓┗┛┣┫┳┻╋┡┩╇┠┨", "+"),
        **dict.fromkeys("‘’′", "'"),
        **dict.fromkeys("“”″", '"'),
        "…": "...",
        "×": "x",
        "→": "->",
        "•": "*",
        "\u00a0": " ",
        "\u202f": " ",
    }
)


def tolerate_any_console() -> None:
    """Makes standard output and standard error replace what their encoding does not have."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)


def can_show(text: str) -> bool:
    """Returns whether standard output can encode a text as it is."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def flush_or_drop() -> bool:
    """Flushes standard output. Returns False if its reader has gone; the rest is then dropped."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        drop_output()
        return False
    return True


def drop_output() -> None:
    """Sends the rest of standard output nowhere, so that Python's last flush cannot fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # closed already, or no file
        return


def _replace(error: UnicodeError) -> tuple[Any, int]:
    """Returns the replacement of characters that cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end].translate(_IN_ASCII)
    return "".join(letter if letter.isascii() else "?" for letter in part), error.end
