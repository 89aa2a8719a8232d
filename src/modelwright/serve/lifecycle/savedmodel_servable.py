"""A SavedModel from elsewhere, which TensorFlow runs in a separate process.

A crash or a memory leak stays in that process, which is started again. Both sides exchange frames:
four bytes of length, then a serialized message. ``savedmodel_process.py`` is the other side.
"""

from __future__ import annotations

import logging
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from modelwright.core.errors import ServableError
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.servable import Tensors
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec
from modelwright.wire import messages, tensors

START_SECONDS = 120.0
RUN_SECONDS = 60.0
OK, REFUSED, FAILED = b"\0", b"\1", b"\2"
_LENGTH = struct.Struct(">I")
_LARGEST = 2**30
_UNBOUNDED = 2**40

_log = logging.getLogger("modelwright.serve")


class SavedModelServable:
    """One SavedModel. Its process answers one request at a time."""

    def __init__(self, folder: Path) -> None:
        """Starts the process and reads the signatures from it.

        Raises:
            ServableError: TensorFlow cannot load it.
        """
        self._folder = folder
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        described = messages.SignatureDefMap()
        described.ParseFromString(self._start())
        self.signatures: Mapping[str, Signature] = {
            name: Signature(one.method_name, _specs(one.inputs), _specs(one.outputs))
            for name, one in described.signature_def.items()
        }
        self.description: Mapping[str, Any] = {}

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """Returns the outputs of one signature."""
        request = messages.PredictRequest()
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tensors.to_proto(values))
        with self._lock:
            kind, content = self._ask(request.SerializeToString())
        if kind != OK:
            code = "INVALID_ARGUMENT" if kind == REFUSED else "INTERNAL"
            raise Refused(code, content.decode("utf-8", "replace"))
        response = messages.PredictResponse()
        response.ParseFromString(content)
        return {
            name: tensors.to_array(value, limit=_UNBOUNDED)
            for name, value in response.outputs.items()
        }

    def warm(self) -> int:
        """Returns 0: a SavedModel from elsewhere has no recorded rows."""
        return 0

    def example(self) -> Tensors | None:
        """Returns None: no valid row is known."""
        return None

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _start(self) -> bytes:
        """Starts the process and returns its signatures as a serialized message."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "modelwright.serve.lifecycle.savedmodel_process",
                str(self._folder),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl+C must not end it: the server still answers the requests that it accepted.
            start_new_session=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        kind, content = self._exchange(None, START_SECONDS)
        if kind == OK:
            return content
        self._end()
        raise ServableError(
            f"the SavedModel in {self._folder} cannot be loaded:"
            f" {content.decode('utf-8', 'replace') or 'its process ended'}."
        )

    def _ask(self, request: bytes) -> tuple[bytes, bytes]:
        if self._process is None:
            try:
                self._start()
            except ServableError as error:
                raise Refused("UNAVAILABLE", str(error), retry_after=1.0) from None
        kind, content = self._exchange(request, RUN_SECONDS)
        if kind:
            return kind, content
        how = self._end()
        _log.error(
            "the process of %s ended (%s); the next request starts it again", self._folder, how
        )
        raise Refused(
            "UNAVAILABLE",
            f"The process that runs this model ended ({how}); it is started again.",
            retry_after=1.0,
        )

    def _exchange(self, request: bytes | None, seconds: float) -> tuple[bytes, bytes]:
        """Sends a frame, if any, and reads one; empty if the process ended or was too slow."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return b"", b""
        timeout = threading.Timer(seconds, process.kill)
        timeout.daemon = True
        timeout.start()
        try:
            if request is not None:
                write_frame(process.stdin, request)
            answer = read_frame(process.stdout)
        except OSError:
            answer = None
        finally:
            timeout.cancel()
        return (answer[:1], answer[1:]) if answer else (b"", b"")

    def _end(self) -> str:
        """Ends the process and returns how it ended."""
        process, self._process = self._process, None
        if process is None:
            return "not started"
        process.kill() if process.poll() is None else None
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def write_frame(file: IO[bytes], content: bytes) -> None:
    """Writes one message after its length."""
    file.write(_LENGTH.pack(len(content)) + content)
    file.flush()


def read_frame(file: IO[bytes]) -> bytes | None:
    """Reads one message; None at the end of the stream."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > _LARGEST:
        return None
    content = file.read(size)
    return content if len(content) == size else None


def _specs(infos: Any) -> dict[str, TensorSpec]:
    specs = {}
    for name, info in infos.items():
        shape = info.tensor_shape
        sizes = None if shape.unknown_rank else tuple(int(dim.size) for dim in shape.dim)
        specs[name] = TensorSpec(name, tensors.name_of(info.dtype), sizes, info.name)
    return specs
