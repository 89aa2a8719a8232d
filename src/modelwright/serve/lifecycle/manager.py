"""The life of versions: found, loaded, checked, live, drained, let go.

What is live is an immutable map that is swapped in one assignment; a request holds the version
that it got from it until it is answered. A new version is live before an old one goes, one that
cannot be used never is, and the last good one stays, whatever happens to its folder.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from modelwright.core.errors import ModelwrightError, ServableError, brief
from modelwright.servable.manifest import MANIFEST
from modelwright.serve.config import ServeConfig
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle import model_config
from modelwright.serve.lifecycle.loading import Loaded
from modelwright.serve.lifecycle.model_config import Entry, Wanted
from modelwright.serve.lifecycle.runner import Runner
from modelwright.serve.lifecycle.served_model import Servable
from modelwright.serve.process import memory

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"
_REMEMBERED = 20
"""Versions that are gone and still told of."""
_TRY_AGAIN = 60.0
"""Seconds after which a version that could not be loaded is tried again as it is."""
_DRAIN_STEP = 0.02

Fingerprint = tuple[tuple[str, int, int], ...]

_log = logging.getLogger("modelwright.serve")


@dataclass
class Version:
    """One version of a model and where it is in its life."""

    number: int
    folder: Path
    state: str = START
    code: str = "OK"
    problem: str = ""
    servable: Servable | None = None
    runner: Runner | None = None
    busy: int = 0
    seen: Fingerprint = ()
    tried: float = 0.0
    fresh: Version | None = None
    """What its folder holds since it was loaded, where that is something else."""

    def __enter__(self) -> Runner:
        """Its runner, which is not let go of until the block ends."""
        if self.runner is None:
            raise Refused("UNAVAILABLE", f"version {self.number} is not loaded.")
        self.busy += 1
        return self.runner

    def __exit__(self, *_: object) -> None:
        self.busy -= 1


@dataclass(frozen=True)
class Model:
    """The versions of one model that answer, the newest of them, and its labels."""

    name: str
    available: Mapping[int, Version] = field(default_factory=dict)
    newest: Version | None = None
    labels: Mapping[str, int] = field(default_factory=dict)


class Manager:
    """All models of a server."""

    def __init__(
        self,
        config: ServeConfig,
        pool: Executor,
        load: Callable[[Path, Path, str], Loaded],
    ) -> None:
        """Take the loader too, so that tests can give another one."""
        self._config = config
        self._pool = pool
        self._load = load
        self._root = Path(config.models)
        self._given: Mapping[str, Entry] | None = None
        self._entries: Mapping[str, Entry] = {}
        self._known: dict[str, dict[int, Version]] = {}
        self._lock = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        self.models: Mapping[str, Model] = MappingProxyType({})
        self.on_load: Callable[[Path, bool, float], None] = lambda *_: None
        """Called with the folder, whether it was loaded, and the seconds, of each load."""

    # What requests ask

    def find(self, name: str, version: int | None = None, label: str | None = None) -> Version:
        """The version that a request means.

        Raises:
            Refused: there is none, in TensorFlow Serving's words.
        """
        model = self.models.get(name)
        if label:
            if model is None or label not in model.labels:
                raise Refused("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
            version = model.labels[label]
        if model is not None:
            found = model.newest if version is None else model.available.get(version)
            if found is not None:
                return found
        if version is None:
            raise Refused("NOT_FOUND", f"Servable not found for request: Latest({name})")
        raise Refused("NOT_FOUND", f"Servable not found for request: Specific({name}, {version})")

    def status(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> list[Version]:
        """What is known of a model's versions, the newest first.

        Raises:
            Refused: nothing is.
        """
        if label:
            version = self.find(name, None, label).number
        known = self._known.get(name, {})
        if version is not None:
            if version not in known:
                raise Refused("NOT_FOUND", f"Could not find version {version} of model {name}")
            return [known[version]]
        if not known:
            raise Refused("NOT_FOUND", f"Could not find any versions of model {name}")
        return [known[number] for number in sorted(known, reverse=True)]

    @property
    def ready(self) -> bool:
        """Whether there is a model, and each that is to be served has a version that answers."""
        return bool(self._entries) and all(self._answering(name) for name in self._entries)

    # What changes it

    async def reload(self, entries: dict[str, Entry]) -> None:
        """Serve these models from now on, and no others; returns when they are loaded.

        Raises:
            Refused: a model has no version that can be loaded, or a label points at none that
                answers; what can be served is served all the same.
        """
        self._given = entries
        await self.step(patient=False)
        missing = [name for name in entries if not self.models[name].available]
        if missing:
            told = "; ".join(self._reason(name) for name in missing)
            raise Refused("FAILED_PRECONDITION", f"No version could be loaded: {told}")
        for name, entry in entries.items():
            for label, number in entry.labels.items():
                if number not in self.models[name].available:
                    raise Refused(
                        "FAILED_PRECONDITION",
                        f"Request to assign label '{label}' to version {number} of model {name},"
                        " which is not currently available for inference",
                    )

    async def step(self, *, patient: bool = True) -> None:
        """Look at the folders once and bring what is served in line with them.

        Args:
            patient: load a folder that nothing says to be complete only once it no longer changes.

        Raises:
            ConfigError: the model config cannot be read, and none was read before.
        """
        async with self._lock:
            self._entries = await asyncio.to_thread(self._find_entries)
            for name, entry in self._entries.items():
                await self._align(name, entry, patient=patient)
            for name in self.models.keys() - self._entries.keys():
                gone = self.models[name]
                self.models = MappingProxyType({n: m for n, m in self.models.items() if n != name})
                for version in gone.available.values():
                    self._let_go(version)

    async def stop(self) -> None:
        """Let go of every version, once its requests are answered."""
        async with self._lock:
            gone, self.models = self.models, MappingProxyType({})
            for model in gone.values():
                for version in model.available.values():
                    self._let_go(version)
        await asyncio.gather(*self._leaving)

    def _find_entries(self) -> Mapping[str, Entry]:
        if self._given is not None:
            return self._given
        if self._config.model_config:
            try:
                return model_config.of_file(Path(self._config.model_config), self._root)
            except ModelwrightError as error:
                if not self._entries:
                    raise
                self._tell(str(error))
                return self._entries
        try:
            found = model_config.of_folder(self._root)
        except OSError as error:
            self._tell(f"{self._root} cannot be read: {error.strerror}")
            found = {}
        # A folder that vanished is no order to stop; a model config that leaves it out is one.
        return {**self._entries, **found}

    async def _align(self, name: str, entry: Entry, *, patient: bool) -> None:
        """Load what a model wants and does not have, then drop what it no longer wants."""
        known = self._known.setdefault(name, {})
        try:
            wanted = await asyncio.to_thread(model_config.wanted, entry)
        except (ServableError, OSError) as error:
            self._tell(f"{name}: {error}")
            wanted = Wanted({}, 0)
        good: set[int] = set()
        for number, folder in wanted.versions.items():
            if len(good) >= wanted.count:
                break
            version = known.setdefault(number, Version(number, folder))
            if version.state == AVAILABLE:
                await self._replace(known, version, folder)
                good.add(number)
            elif await self._load_into(version, folder, patient):
                good.add(number)
                # It answers at once, and not when the last of all models is loaded.
                self._publish(entry, {*self._answering(name), number})
        there = self._answering(name)
        good = good or set(sorted(there)[-1:])
        self._publish(entry, good)
        for number in there - good:
            self._let_go(known[number])
        ended = [number for number, one in known.items() if one.state == END and one.code == "OK"]
        for number in sorted(ended)[:-_REMEMBERED]:
            del known[number]

    async def _replace(self, known: dict[int, Version], version: Version, folder: Path) -> None:
        """Load a version anew whose folder is another than it was: deleted and exported again.

        Until that can be used, the one that answers goes on, and says so.
        """
        if await asyncio.to_thread(_fingerprint, folder) == version.seen:
            return
        fresh = version.fresh = version.fresh or Version(version.number, folder)
        if await self._load_into(fresh, folder, True):
            known[version.number] = fresh
            self._let_go(version)
        elif fresh.problem:
            version.problem = f"its folder was replaced, and cannot be used: {fresh.problem}"

    async def _load_into(self, version: Version, folder: Path, patient: bool) -> bool:
        """Load a version, unless it failed as it is now; whether it answers."""
        if version.state == UNLOADING:
            return False
        seen = await asyncio.to_thread(_fingerprint, folder)
        changed, version.seen = version.seen != seen, seen
        failed = version.code != "OK" and time.monotonic() - version.tried < _TRY_AGAIN
        may_grow = patient and not (folder / MANIFEST).exists()
        if (failed and not changed) or (changed and may_grow):
            return False
        version.folder, version.tried = folder, time.monotonic()
        version.state, version.code, version.problem = LOADING, "OK", ""
        try:
            loaded = await asyncio.to_thread(self._load, folder, self._root, self._config.engine)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it does not go live
            known = isinstance(error, (ModelwrightError, OSError, Refused))
            version.state = END
            version.code = "FAILED_PRECONDITION" if known else "INTERNAL"
            version.problem = brief(error)
            _log.error("%s is not served: %s", folder, version.problem, exc_info=not known)
            self.on_load(folder, False, time.monotonic() - version.tried)
            return False
        version.servable = loaded.servable
        limits, batching = self._config.limits, self._config.batching
        version.runner = Runner(loaded.servable, loaded.measured, self._pool, limits, batching)
        version.state = AVAILABLE
        seconds = time.monotonic() - version.tried
        _log.info("%s answers after %.2f s", folder, seconds)
        self.on_load(folder, True, seconds)
        return True

    def _publish(self, entry: Entry, numbers: set[int]) -> None:
        known = self._known[entry.name]
        available = {number: known[number] for number in sorted(numbers)}
        labels = {label: one for label, one in entry.labels.items() if one in available}
        newest = available[max(available)] if available else None
        model = Model(entry.name, available, newest, labels)
        self.models = MappingProxyType({**self.models, entry.name: model})

    def _answering(self, name: str) -> set[int]:
        return set(self.models[name].available) if name in self.models else set()

    def _let_go(self, version: Version) -> None:
        """Unload a version that nothing points at any more, once its requests are answered."""
        version.state = UNLOADING
        task = asyncio.get_running_loop().create_task(self._unload(version))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _unload(self, version: Version) -> None:
        until = time.monotonic() + self._config.limits.seconds
        while version.busy and time.monotonic() < until:
            await asyncio.sleep(_DRAIN_STEP)
        servable, version.servable, version.runner = version.servable, None, None
        if servable is not None:
            await asyncio.to_thread(servable.close)
            del servable
            await asyncio.to_thread(memory.trim)
        version.state = END
        _log.info("%s is no longer served", version.folder)

    def _reason(self, name: str) -> str:
        problems = [f"{v.folder}: {v.problem}" for v in self._known[name].values() if v.problem]
        return f"model {name}: {'; '.join(problems) or 'no version is there'}"

    def _tell(self, problem: str) -> None:
        """Log a problem that each look finds again only once."""
        if problem not in self._told:
            self._told.add(problem)
            _log.error("%s", problem)


def _fingerprint(folder: Path) -> Fingerprint:
    """What is in a folder, by names, sizes and times."""
    found = []
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        found.append((str(path.relative_to(folder)), about.st_size, about.st_mtime_ns))
    return tuple(found)
