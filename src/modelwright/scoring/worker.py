"""A process that answers questions: one engine of a servable, on one core.

As a program, ``python -m modelwright.scoring.worker SETUP`` reads record batches as an Arrow
stream from standard input and writes one with the answers to each, in the same order. It ends when
its input does, so it never outlives the process that asks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from modelwright.core.child_process import main_of_child
from modelwright.core.errors import LONGEST, ModelwrightError, ServableError
from modelwright.scoring.questions import answer
from modelwright.servable.manifest import MANIFEST, manifest_from_record
from modelwright.servable.predictor import Predictor, open_predictor

THREADS = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
"""Variables of a process. TensorFlow's own threads would compete with the other processes."""


@dataclass(frozen=True)
class Setup:
    """What a process needs to answer: the engine of a servable, and how to read JSON objects."""

    servable: Path
    engine: str
    key: str | None
    base: Path
    """The folder that paths of images are relative to."""

    def to_argument(self) -> str:
        """Returns the set-up as one command-line argument."""
        return json.dumps({**vars(self), "servable": str(self.servable), "base": str(self.base)})

    def load(self) -> Predictor:
        """Loads the engine. The files were checked by the process that asks."""
        record = json.loads((self.servable / MANIFEST).read_text("utf-8"))
        return open_predictor(self.servable, manifest_from_record(record), self.engine)


class LocalAnswerer:
    """Answers in this process."""

    def __init__(self, setup: Setup) -> None:
        """Loads the engine."""
        self._setup, self._predictor = setup, setup.load()

    def ask(self, questions: Any) -> Any:
        """Returns the answers: float32 lists ``probabilities`` and strings ``fault``."""
        return answer_batch(self._predictor, self._setup, questions)

    def close(self) -> None:
        """Does nothing."""


class WorkerProcess:
    """Answers in a process of its own."""

    def __init__(self, setup: Setup) -> None:
        """Starts the process."""
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - see close
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, setup.to_argument()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={
                **os.environ,
                **THREADS,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        self._writer: Any = None
        self._reader: Any = None

    def ask(self, questions: Any) -> Any:
        """Returns the answers, as ``LocalAnswerer`` does.

        Raises:
            ServableError: The process failed or crashed.
        """
        try:
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self._process.stdin, questions.schema)
            self._writer.write_batch(questions)
            if self._process.stdin:
                self._process.stdin.flush()
            if self._reader is None:
                self._reader = pa.ipc.open_stream(self._process.stdout)
            return self._reader.read_next_batch()
        except (OSError, pa.ArrowException, StopIteration):
            raise ServableError(f"a process that answers failed: {self._reason()}") from None

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            try:
                if stream:
                    stream.close()
            except OSError:  # what was not sent has no reader any more
                continue

    def _reason(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        messages = self._errors.read().strip().splitlines()
        if code < 0:
            return f"it crashed ({signal.Signals(-code).name})"
        return messages[-1][:LONGEST] if messages else f"exit code {code}"


def answer_batch(predictor: Predictor, setup: Setup, questions: Any) -> Any:
    """Returns the answers to a record batch of questions as a record batch."""
    probabilities, faults = answer(predictor, questions, setup.key, setup.base)
    reasons = pa.array(faults, pa.string())
    unknown = ~np.isfinite(probabilities).all(axis=1) & reasons.is_null().to_numpy(False)
    if unknown.any():
        reasons = pa.array(
            [
                "has an answer of the model that is not a number" if odd else fault
                for odd, fault in zip(unknown, faults, strict=True)
            ],
            pa.string(),
        )
    flat = pa.array(np.ascontiguousarray(probabilities, np.float32).ravel())
    lists = pa.FixedSizeListArray.from_arrays(flat, len(predictor.manifest.labels))
    return pa.record_batch([lists, reasons], ["probabilities", "fault"])


def _serve(arguments: list[str]) -> None:
    """Answers until the input ends."""
    # Ctrl-C reaches all processes of a terminal; the process that asks decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not be in the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    record = json.loads(arguments[0])
    paths = {name: Path(record[name]) for name in ("servable", "base")}
    answerer = LocalAnswerer(Setup(**{**record, **paths}))
    writer = None
    try:
        for questions in pa.ipc.open_stream(sys.stdin.buffer):
            found = answerer.ask(questions)
            writer = writer or pa.ipc.new_stream(answers, found.schema)
            writer.write_batch(found)
            answers.flush()
    except (pa.ArrowException, BrokenPipeError):
        # The process that asks was killed in the middle of a question.
        raise ModelwrightError("the process that asks has gone") from None


if __name__ == "__main__":
    sys.exit(main_of_child(_serve, sys.argv[1:]))
