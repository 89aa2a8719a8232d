"""The program of one worker of several.

``python -m modelwright.serve.process.worker CONFIG REST METRICS GRPC SHARED``.

It gets its sockets from the supervisor. It writes a byte to standard output when its models answer,
and ends when the supervisor ends, which closes its standard input.
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
from modelwright.serve.process.log import configure_log
from modelwright.serve.process.server import WorkerSockets, run_worker
from modelwright.serve.process.signals import end_process
from modelwright.serve.process.start import run_event_loop


def main(arguments: list[str]) -> int:
    """Serves, and returns the exit code."""
    config = ServeConfig.from_json(arguments[0])
    rest, metrics, grpc_port = map(int, arguments[1:4])
    configure_log()
    worker_sockets = WorkerSockets(
        socket.socket(fileno=rest),
        grpc_port,
        socket.socket(fileno=metrics) if metrics >= 0 else None,
        Path(arguments[4]),
    )
    threading.Thread(target=_stop_with_supervisor, daemon=True).start()
    try:
        if run_event_loop(run_worker(config, worker_sockets, _report_ready)):
            end_process()
    except ModelwrightError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _report_ready() -> None:
    os.write(1, b"R")


def _stop_with_supervisor() -> None:
    """Stops this worker once the supervisor has ended, in whatever way."""
    while os.read(0, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
