"""Loading TensorFlow without its start-up messages, which no user can act upon."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ writes to standard error while the block runs from showing.

    TensorFlow logs there before Python can configure it. An exception still carries its own
    message.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def load_tensorflow() -> None:
    """Import TensorFlow and Keras quietly.

    Raises:
        MissingDependencyError: they are not installed.
    """
    from modelwright.core.versions import require_training

    require_training()
    if "tensorflow" in sys.modules:
        return
    with quiet():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
