"""The model config that a client sent to one worker, which all workers then follow."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.core.files import write_bytes
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.model_config import models_in_message
from modelwright.wire import messages

_FILE = "models.config.bin"

_log = logging.getLogger("modelwright.serve")


class SharedModelConfig:
    """Takes a new model config from a client, and from a file that all workers share."""

    def __init__(
        self, manager: Manager, root: Path, folder: Path | None, links: Sequence[Path] = ()
    ) -> None:
        """Takes what every base path must lie in, and the folder that all workers share.

        Args:
            manager: the models of this worker.
            root: the models folder.
            folder: None for a single worker, which has nobody to share with.
            links: further folders that base paths may lie in, links followed.
        """
        self._manager = manager
        self._root, self._links = root, links
        self._path = folder / _FILE if folder else None
        self._current = b""

    async def reload(self, message: Any) -> None:
        """Serves the models of a ``ModelServerConfig``, and writes it for the other workers.

        Raises:
            ConfigError: the config is invalid.
            Refused: a model in it cannot be served.
        """
        entries = models_in_message(message, self._root, self._links)
        if self._path:
            self._current = message.SerializeToString()
            write_bytes(self._path, self._current)
        await self._manager.reload(entries)

    async def follow(self) -> None:
        """Serves the models of the config that another worker wrote, if there is a new one."""
        if not self._path or not self._path.exists():
            return
        content = self._path.read_bytes()
        if content == self._current:
            return
        self._current = content
        message = messages.ModelServerConfig.FromString(content)
        try:
            await self._manager.reload(models_in_message(message, self._root, self._links))
        except Refused as error:
            _log.error("%s", error)
