"""The methods of gRPC's health service, which probes and load balancers call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio

from modelwright.serve.errors import Refused
from modelwright.serve.grpc.conversion import parse_message
from modelwright.wire import messages

HEALTH = "grpc.health.v1.Health"
_SERVING, _NOT_SERVING, _UNKNOWN = 1, 2, 3
_WATCH_SECONDS = 0.2


class HealthMethods:
    """Reports whether the server as a whole, or one of its services, answers."""

    def __init__(self, serving: Callable[[], bool], services: Collection[str]) -> None:
        """``serving`` says whether requests are answered; ``services`` are the known names."""
        self._serving = serving
        self._services = frozenset(services)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Ends every stream after its last status, because a stopping server waits for them."""
        self._stopped.set()

    async def check(self, content: bytes, context: Any) -> Any:
        """Returns the current status."""
        name = await self._service_name(content, context)
        status = self._status(name)
        if status == _UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service '{name[:200]}'")
        return messages.HealthCheckResponse(status=status)

    async def watch(self, content: bytes, context: Any) -> AsyncIterator[Any]:
        """Yields the status, and each change of it, until the server stops."""
        name = await self._service_name(content, context)
        sent = None
        while True:
            stopped = self._stopped.is_set()
            status = self._status(name)
            if status != sent:
                sent = status
                yield messages.HealthCheckResponse(status=status)
            if stopped:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), _WATCH_SECONDS)

    def _status(self, name: str) -> int:
        if name and name not in self._services:
            return _UNKNOWN
        return _SERVING if self._serving() else _NOT_SERVING

    async def _service_name(self, content: bytes, context: Any) -> str:
        try:
            return str(parse_message(messages.HealthCheckRequest, content).service)
        except Refused as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            raise
