"""What a server says of itself, on standard error: one line an event."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def configure(*, quiet: bool = False) -> None:
    """Show the server's messages; only errors where ``quiet``."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("modelwright.serve")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
    # Its warnings are one line for each broken request that anyone sends.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
