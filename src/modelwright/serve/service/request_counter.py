"""Counts the requests of one model by their status, and the time of its runs."""

from __future__ import annotations

from modelwright.serve.errors import Refused
from modelwright.serve.service.metrics import REQUESTS, RUNTIME, Metrics


class RequestCounter:
    """A context that counts one request when it ends, whatever its status is."""

    def __init__(
        self, metrics: Metrics, model: str, requests: str = REQUESTS, runtime: str = RUNTIME
    ) -> None:
        """``requests`` and ``runtime`` are the names of the counter and of the histogram."""
        self._metrics, self._model, self._requests = metrics, model, requests
        self.runtime = metrics.histogram(runtime, model_name=model, runtime="CPU")

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        status = error.code if isinstance(error, Refused) else "OK" if kind is None else "CANCELLED"
        self._metrics.count(self._requests, model_name=self._model, status=status)
