"""All models of a server: which versions are live, and how that follows the folders.

The live versions are in one immutable map. Going live replaces the map in one assignment, and a
request keeps the version that it took from the map until it is answered. A new version is live
before the old one is unloaded. A version that cannot be loaded never goes live. Deleting its folder
does not unload the last working version.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from types import MappingProxyType

from modelwright.core.errors import ServableError
from modelwright.servable.live_version import VersionSelection
from modelwright.serve.config import ServeConfig
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.loading import LoadedVersion
from modelwright.serve.lifecycle.model_config import ModelEntry, select_versions
from modelwright.serve.lifecycle.model_source import ModelSource
from modelwright.serve.lifecycle.models_folder import first_reasons
from modelwright.serve.lifecycle.readiness import Readiness, why_not_ready
from modelwright.serve.lifecycle.version import (
    AVAILABLE,
    END,
    LOADING,
    UNLOADING,
    ServedModel,
    Version,
    folder_fingerprint,
)
from modelwright.serve.lifecycle.version_loader import VersionLoader

_UNLOADED_SHOWN = 20
"""Unloaded versions of a model that its status still lists."""

_log = logging.getLogger("modelwright.serve")


class Manager:
    """Finds versions for requests, and keeps the live versions in line with the folders."""

    def __init__(
        self,
        config: ServeConfig,
        pool: Executor,
        load: Callable[[Path, Path, str], LoadedVersion],
    ) -> None:
        """``pool`` runs the models; ``load`` loads one version and is another one in tests."""
        self._source = ModelSource(config)
        self._loader = VersionLoader(config, pool, load)
        self._entries: Mapping[str, ModelEntry] = {}
        self._skipped: Mapping[str, str] = {}
        self._known: dict[str, dict[int, Version]] = {}
        self._lock = asyncio.Lock()
        self._looked = False
        self._required: set[str] = set()
        """Models without which the server is not ready."""
        self._problems: dict[str, str] = {}
        """Why the folder of a model cannot be read."""
        self._logged: set[str] = set()
        self._found_now: set[str] = set()
        self.models: Mapping[str, ServedModel] = MappingProxyType({})

    def on_load(self, callback: Callable[[Path, bool, float], None]) -> None:
        """Calls back after each load with the folder, whether it worked, and the seconds."""
        self._loader.on_load = callback

    def find(self, name: str, version: int | None = None, label: str | None = None) -> Version:
        """Returns the version that a request means.

        Raises:
            Refused: there is none. The message is TensorFlow Serving's.
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
        self._expect_looked()
        if version is None:
            raise Refused("NOT_FOUND", f"Servable not found for request: Latest({name})")
        raise Refused("NOT_FOUND", f"Servable not found for request: Specific({name}, {version})")

    def status(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> list[Version]:
        """Returns the versions of a model with their states, the newest first.

        Raises:
            Refused: the model or the version is unknown.
        """
        if label:
            version = self.find(name, None, label).number
        known = self._known.get(name, {})
        if version is not None:
            if version not in known:
                self._expect_looked()
                raise Refused("NOT_FOUND", f"Could not find version {version} of model {name}")
            return [known[version]]
        if not known:
            self._expect_looked()
            raise Refused("NOT_FOUND", f"Could not find any versions of model {name}")
        return [known[number] for number in sorted(known, reverse=True)]

    @property
    def ready(self) -> bool:
        """Whether requests are welcome, as ``readiness.py`` defines it."""
        return not self._why_not_ready()

    @property
    def loading(self) -> bool:
        """Whether a thread still loads a version, even after ``stop``."""
        return self._loader.loading

    def readiness(self) -> Readiness:
        """Returns whether the server is ready, and what is not served for which reason."""
        models = {
            name: [str(number) for number in model.available] for name, model in self.models.items()
        }
        silent = [name for name in self._entries if not models.get(name)]
        # Probes need no key, so they do not learn where the models folder is.
        root = f"{self._source.root}/"
        not_served = {name: self._reason(name).replace(root, "") for name in silent}
        skipped = first_reasons(self._skipped)
        return Readiness(self._why_not_ready(), models, first_reasons(not_served), skipped)

    async def reload(self, entries: dict[str, ModelEntry]) -> None:
        """Serves these models from now on and no others; returns when they are loaded.

        Raises:
            Refused: a model has no version that can be loaded, or a label names a version that
                does not answer. Everything that can be served is served all the same.
        """
        self._source.reloaded = entries
        await self.step(patient=False)
        missing = [name for name in entries if not self._answering(name)]
        if missing:
            reasons = "; ".join(f"model {name}: {self._reason(name)}" for name in missing)
            raise Refused("FAILED_PRECONDITION", f"No version could be loaded: {reasons}")
        for name, entry in entries.items():
            for label, number in entry.labels.items():
                if number not in self._answering(name):
                    raise Refused(
                        "FAILED_PRECONDITION",
                        f"Request to assign label '{label}' to version {number} of model {name},"
                        " which is not currently available for inference",
                    )

    async def step(self, *, patient: bool = True) -> None:
        """Looks at the folders once, and loads and unloads versions accordingly.

        Args:
            patient: wait until a folder without a manifest has stopped changing.

        Raises:
            ConfigError: the model config cannot be read, and none was read before.
        """
        async with self._lock:
            await self._look()
            if not self._looked and self._source.named:
                self._required.update(self._entries)
            for name, entry in self._entries.items():
                self._problems.pop(name, None)
                try:
                    await self._align(name, entry, patient=patient)
                except OSError as error:
                    # A folder that vanishes during a look must not keep the others from theirs.
                    self._problems[name] = f"{error.filename} cannot be read: {error.strerror}"
                    self._log_once(f"{name}: {self._problems[name]}")
            for name in self.models.keys() - self._entries.keys():
                self._remove(name)
            self._looked = True
            self._logged, self._found_now = self._found_now, set()

    async def stop(self) -> None:
        """Unloads every version once its requests are answered."""
        async with self._lock:
            removed, self.models = self.models, MappingProxyType({})
            for model in removed.values():
                for version in model.available.values():
                    self._loader.unload(version)
        await self._loader.wait_until_unloaded()

    async def _look(self) -> None:
        """Finds the models, and logs what is no model."""
        answering = {name for name in self.models if self._answering(name)}
        found = await asyncio.to_thread(self._source.look, self._entries, answering)
        self._entries = found.entries
        if found.problem:
            self._log_once(found.problem)
        else:
            self._skipped = found.skipped
        for name, reason in first_reasons(self._skipped).items():
            self._log_once(f"{name} in {self._source.root} is not served: it {reason}", "warning")

    def _remove(self, name: str) -> None:
        """Unloads a model that is no longer to be served."""
        removed = self.models[name]
        self.models = MappingProxyType({n: m for n, m in self.models.items() if n != name})
        self._required.discard(name)
        for version in removed.available.values():
            self._loader.unload(version)
        if not removed.available:
            # It never answered, and its folder is gone.
            del self._known[name]

    async def _align(self, name: str, entry: ModelEntry, *, patient: bool) -> None:
        """Loads the versions that a model should have, then unloads those that it should not."""
        known = self._known.setdefault(name, {})
        folders: Mapping[int, Path]
        try:
            folders, selection = await asyncio.to_thread(select_versions, entry)
        except (ServableError, OSError) as error:
            self._problems[name] = str(error)
            self._log_once(f"{name}: {error}")
            folders, selection = {}, VersionSelection(())
        for number in selection:
            version = known.get(number)
            if version is None or version.state == UNLOADING:
                # A version that comes back does not wait until its last requests are answered.
                version = known[number] = Version(number, folders[number])
            if version.state == AVAILABLE:
                await self._replace(known, version, folders[number])
                selection.accept(number)
            elif await self._loader.load(version, folders[number], patient=patient):
                selection.accept(number)
                # It answers now, and not only when the last of all models is loaded.
                self._publish(entry, {*self._answering(name), number})
        answering = self._answering(name)
        # If no candidate is usable, the last working version goes on answering.
        wanted = set(selection.accepted) or set(sorted(answering)[-1:])
        self._publish(entry, wanted)
        for number in answering - wanted:
            self._loader.unload(known[number])
        self._forget_unloaded(known)

    async def _replace(self, known: dict[int, Version], version: Version, folder: Path) -> None:
        """Loads a version again if its folder was deleted and written anew.

        The loaded version goes on answering until the new files can be used.
        """
        if await asyncio.to_thread(folder_fingerprint, folder) == version.fingerprint:
            return
        replacement = version.replacement or Version(version.number, folder)
        version.replacement = replacement
        if await self._loader.load(replacement, folder, patient=True):
            known[version.number] = replacement
            self._loader.unload(version, replaced=True)
        elif replacement.problem:
            version.problem = f"its folder was replaced, and cannot be used: {replacement.problem}"

    def _publish(self, entry: ModelEntry, numbers: set[int]) -> None:
        """Makes these versions of a model live, and no others."""
        known = self._known[entry.name]
        available = {number: known[number] for number in sorted(numbers)}
        labels = {label: one for label, one in entry.labels.items() if one in available}
        newest = available[max(available)] if available else None
        model = ServedModel(entry.name, available, newest, labels)
        self.models = MappingProxyType({**self.models, entry.name: model})
        if available:
            self._required.add(entry.name)

    def _answering(self, name: str) -> set[int]:
        return set(self.models[name].available) if name in self.models else set()

    @staticmethod
    def _forget_unloaded(known: dict[int, Version]) -> None:
        unloaded = [
            n for n, version in known.items() if (version.state, version.code) == (END, "OK")
        ]
        for number in sorted(unloaded)[:-_UNLOADED_SHOWN]:
            del known[number]

    def _why_not_ready(self) -> str:
        answering = {name for name in self.models if self._answering(name)}
        required = self._required & self._entries.keys()
        return why_not_ready(looked=self._looked, answering=answering, required=required)

    def _expect_looked(self) -> None:
        """Refuses what may still be found by the first look."""
        if not self._looked:
            raise Refused(
                "UNAVAILABLE", "The models are being loaded; try again later.", retry_after=1.0
            )

    def _reason(self, name: str) -> str:
        """Returns why a model has no version that answers."""
        if problem := self._problems.get(name):
            return problem
        known = self._known.get(name, {}).values()
        problems = [f"version {one.number}: {one.problem}" for one in known if one.problem]
        if any(one.state == LOADING for one in known) or not self._looked:
            problems.append("it is being loaded")
        return "; ".join(problems) or "no version is there"

    def _log_once(self, problem: str, level: str = "error") -> None:
        """Logs a problem at the first of the looks in a row that find it."""
        if problem not in self._logged | self._found_now:
            getattr(_log, level)("%s", problem)
        self._found_now.add(problem)
