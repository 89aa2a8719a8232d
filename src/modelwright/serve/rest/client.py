"""Whether the client of a connection is still there, for the request that it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

_EXTENSION = "modelwright.client"


class Client:
    """One connection's client, and the task of the request that is being answered."""

    def __init__(self) -> None:
        self.gone = False
        self.task: asyncio.Task[Any] | None = None

    def leave(self) -> None:
        """Cancels the request, so that a model does not run for nobody."""
        self.gone = True
        if self.task:
            self.task.cancel()

    def extension(self) -> dict[str, Any]:
        """Returns the entry of an ASGI scope in which ``client_of`` finds it."""
        return {_EXTENSION: self}


def client_of(scope: Mapping[str, Any]) -> Client | None:
    """Returns the client of a request; None if its server does not say when a client leaves."""
    found: Client | None = scope.get("extensions", {}).get(_EXTENSION)
    return found
