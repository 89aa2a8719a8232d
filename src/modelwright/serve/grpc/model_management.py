"""The methods of ``ModelService``: the states of versions, and a new model config."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.serve.errors import Refused
from modelwright.serve.grpc.conversion import target_of
from modelwright.serve.service.descriptions import status_message
from modelwright.serve.service.service import Service
from modelwright.wire import messages

MODEL = "tensorflow.serving.ModelService"


class ModelMethods:
    """Each method takes a request and a deadline on ``time.monotonic()``'s clock."""

    def __init__(self, service: Service, reload: Callable[[Any], Awaitable[None]]) -> None:
        """``reload`` serves the models of a ``ModelServerConfig``."""
        self._service = service
        self._reload = reload

    async def status(self, request: Any, deadline: float) -> Any:
        """Answers a ``GetModelStatusRequest``."""
        return status_message(self._service.status(target_of(request.model_spec)))

    async def reload(self, request: Any, deadline: float) -> Any:
        """Answers a ``ReloadConfigRequest`` once the new models are loaded."""
        response = messages.ReloadConfigResponse()
        try:
            await self._reload(request.config)
        except ConfigError as error:
            raise Refused("INVALID_ARGUMENT", str(error)) from None
        return response
