"""Loads a version when its folder is complete, and unloads it when its requests are answered."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelwright.core.errors import ModelwrightError, brief
from modelwright.servable.manifest import MANIFEST
from modelwright.serve import memory
from modelwright.serve.config import ServeConfig
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.links import real_folder
from modelwright.serve.lifecycle.loading import LoadedVersion
from modelwright.serve.lifecycle.runner import Runner
from modelwright.serve.lifecycle.version import (
    AVAILABLE,
    END,
    LOADING,
    UNLOADING,
    Version,
    folder_fingerprint,
)

_RETRY_SECONDS = 60.0
"""Seconds before a version that failed to load is tried again with the same files."""
_DRAIN_STEP = 0.02

_log = logging.getLogger("modelwright.serve")


class VersionLoader:
    """Loads and unloads the versions of all models of one worker."""

    def __init__(
        self,
        config: ServeConfig,
        pool: Executor,
        load: Callable[[Path, Path, str], LoadedVersion],
    ) -> None:
        """``load`` takes a version's folder, the models folder and the engine's name."""
        self._config = config
        self._pool = pool
        self._load = load
        self._unloading: set[asyncio.Task[None]] = set()
        self._threads: set[threading.Thread] = set()
        self.on_load: Callable[[Path, bool, float], None] = lambda *_: None
        """Called after each attempt with the folder, whether it worked, and the seconds."""

    async def load(self, version: Version, folder: Path, *, patient: bool) -> bool:
        """Loads a version and returns whether it answers.

        A version that failed is tried again only after a minute, or when its files have changed.

        Args:
            version: what to load.
            folder: its files.
            patient: wait until a folder without a manifest, which nothing marks as complete, has
                stopped changing.
        """
        if version.state == UNLOADING:
            return False
        # A link on the way may be swapped while the version is loaded.
        real = real_folder(folder)
        fingerprint = await asyncio.to_thread(folder_fingerprint, real)
        changed = version.fingerprint != fingerprint
        version.fingerprint = fingerprint
        recently = time.monotonic() - version.tried < _RETRY_SECONDS
        failed = version.code != "OK" and recently and version.tried_fingerprint == fingerprint
        may_grow = patient and not (real / MANIFEST).exists()
        if failed or (changed and may_grow):
            return False
        version.folder, version.tried = folder, time.monotonic()
        version.tried_fingerprint = fingerprint
        version.state, version.code, version.problem = LOADING, "OK", ""
        try:
            loaded = await self._load_in_thread(real)
        except Exception as error:  # noqa: BLE001 - a version that fails to load never goes live
            self._fail(version, error, real)
            return False
        limits, batching = self._config.limits, self._config.batching
        version.servable, version.loaded_folder = loaded.servable, real
        version.runner = Runner(loaded.servable, loaded.speed, self._pool, limits, batching)
        version.state = AVAILABLE
        seconds = time.monotonic() - version.tried
        _log.info("%s answers after %.2f s", folder, seconds)
        self.on_load(folder, True, seconds)
        return True

    @property
    def loading(self) -> bool:
        """Whether a thread still loads a version, even if nobody waits for it any more."""
        return any(thread.is_alive() for thread in self._threads)

    async def _load_in_thread(self, folder: Path) -> LoadedVersion:
        """Loads a version in a thread that does not keep a server from stopping."""
        loop = asyncio.get_running_loop()
        loaded: asyncio.Future[LoadedVersion] = loop.create_future()

        def run() -> None:
            root, engine = Path(self._config.models), self._config.engine
            try:
                found = self._load(folder, root, engine)
            except Exception as error:  # noqa: BLE001 - passed on to who waits for the version
                tell(loaded.set_exception, error)
            else:
                tell(loaded.set_result, found)

        def tell(set_outcome: Callable[[Any], None], outcome: Any) -> None:
            def set_unless_cancelled() -> None:
                if not loaded.done():
                    set_outcome(outcome)

            # The loop is closed if the server has stopped meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(set_unless_cancelled)

        thread = threading.Thread(target=run, name="load", daemon=True)
        self._threads = {one for one in self._threads if one.is_alive()} | {thread}
        thread.start()
        return await loaded

    def _fail(self, version: Version, error: Exception, real: Path) -> None:
        expected = isinstance(error, (ModelwrightError, OSError, Refused))
        version.state = END
        version.code = "FAILED_PRECONDITION" if expected else "INTERNAL"
        version.problem = brief(error).replace(str(real), str(version.folder))
        _log.error("%s is not served: %s", version.folder, version.problem, exc_info=not expected)
        self.on_load(version.folder, False, time.monotonic() - version.tried)

    def unload(self, version: Version, *, replaced: bool = False) -> None:
        """Starts to unload a version that gets no new requests.

        Args:
            version: what to unload.
            replaced: whether other files of the same folder answer from now on.
        """
        version.state = UNLOADING
        task = asyncio.get_running_loop().create_task(self._drain(version, replaced))
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)

    async def wait_until_unloaded(self) -> None:
        """Waits for every version that is being unloaded."""
        await asyncio.gather(*self._unloading)

    async def _drain(self, version: Version, replaced: bool) -> None:
        """Waits for the version's requests, at most as long as a request may take."""
        deadline = time.monotonic() + self._config.limits.seconds
        while version.requests and time.monotonic() < deadline:
            await asyncio.sleep(_DRAIN_STEP)
        servable, version.servable, version.runner = version.servable, None, None
        if servable is not None:
            await asyncio.to_thread(servable.close)
            del servable
            await asyncio.to_thread(memory.release_free_memory)
        version.state = END
        outcome = "answers from its new files alone" if replaced else "is no longer served"
        _log.info("%s %s", version.folder, outcome)
