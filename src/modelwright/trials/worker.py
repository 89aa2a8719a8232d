"""The program of a worker: it carries out one trial after another for the process that started it.

``python -m modelwright.trials.worker MIB`` reads JSON lines from standard input and writes JSON
lines to standard output, until its input ends. Then the process that started it has ended or wants
it to end, and it ends at once, in the middle of a step too.

in   ``{"trial": …}``     a trial, as ``trial_messages`` writes it
     ``{"go_on": true}``  the answer to an epoch
out  ``{"began": true}``  it has received the trial
     ``{"epoch": …}``     a saved epoch; unless it is an earlier one, the training waits
     ``{"ended": …, "memory_mib": …}``  how the trial ended, and the memory that the process
     takes without what it keeps for the next trials
     ``{"missing": "…"}`` a package is missing, for this trial and for all others

It keeps at most ``MIB`` MiB of rows and what was computed from them for the next trials.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from modelwright.core.backend import load_keras
from modelwright.core.errors import MissingDependencyError, ModelwrightError
from modelwright.core.kept import kept_between_trainings
from modelwright.trials.runner import EpochFinished
from modelwright.trials.trial_messages import event_to_json, trial_from_json


class _Parent:
    """The process that started this one: its messages, and the reports to it."""

    def __init__(self) -> None:
        """Takes over standard input and output; libraries then print on standard error."""
        self._input, self._output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self._input,), daemon=True).start()

    def receive(self) -> dict[str, Any]:
        """Waits for the next message."""
        return self._messages.get()

    def report(self, message: Mapping[str, Any]) -> None:
        """Sends one line."""
        try:
            self._output.write(json.dumps(message).encode() + b"\n")
            self._output.flush()
        except BrokenPipeError:
            os._exit(0)

    def ask(self, epoch: EpochFinished) -> bool:
        """Reports an epoch, and waits for the answer unless it is an earlier one."""
        self.report({"epoch": event_to_json(epoch)})
        return epoch.earlier or bool(self.receive()["go_on"])

    def _read(self, lines: BinaryIO) -> None:
        for line in lines:
            self._messages.put(json.loads(line))
        os._exit(0)


def main(arguments: list[str]) -> int:
    """Carries out trials until the input ends, and returns the exit code."""
    # Ctrl-C may reach all processes of a terminal; the process that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = _Parent()
    try:
        load_keras()
        # Its warnings would pass for the reason of a crash.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        # It loads TensorFlow, which says more on standard error than anybody can act on.
        from modelwright.trials.carry_out import carry_out

        # What was loaded stays. After each trial the search for unused objects, which frees its
        # network, would otherwise look through all of TensorFlow for half a second.
        gc.freeze()
        with kept_between_trainings(int(arguments[0])) as kept:
            while True:
                trial = trial_from_json(parent.receive()["trial"])
                parent.report({"began": True})
                ended = carry_out(trial, parent.ask)
                memory = _memory_mib() - kept.mib
                parent.report({"ended": event_to_json(ended), "memory_mib": memory})
    except MissingDependencyError as error:
        parent.report({"missing": str(error)})
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
    return 1


def _memory_mib() -> float:
    """Returns the memory that this process takes now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, ValueError, AttributeError):
        return 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
