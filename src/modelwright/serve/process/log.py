"""The server's log on standard error, one line per event."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def configure_log(*, quiet: bool = False) -> None:
    """Shows the server's messages, or only its errors if ``quiet``."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("modelwright.serve")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
    # uvicorn would log a warning for each broken request that a client sends.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
