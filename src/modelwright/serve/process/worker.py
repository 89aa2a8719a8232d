"""One worker of several.

``python -m modelwright.serve.process.worker CONFIG REST METRICS GRPC SHARED``.

It gets its sockets from the supervisor, tells it on standard output when its models answer, and
ends when the supervisor does, which its standard input shows.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path

from modelwright.core.errors import ModelwrightError
from modelwright.serve.config import ServeConfig
from modelwright.serve.process import log, server
from modelwright.serve.process.start import run_loop


def main(arguments: list[str]) -> int:
    """Serve; the exit code."""
    config = ServeConfig.from_json(arguments[0])
    rest, metrics, grpc_port = map(int, arguments[1:4])
    log.configure()
    place = server.Place(
        socket.socket(fileno=rest),
        grpc_port,
        socket.socket(fileno=metrics) if metrics >= 0 else None,
        Path(arguments[4]),
    )
    threading.Thread(target=_watch, daemon=True).start()
    try:
        run_loop(server.run(config, place, _ready))
    except ModelwrightError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _ready() -> None:
    os.write(1, b"R")


def _watch() -> None:
    """End in order once the supervisor is gone, however it went."""
    while os.read(0, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
