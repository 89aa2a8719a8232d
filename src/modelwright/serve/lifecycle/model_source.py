"""Where the models of a server come from: the models folder, a config file, or a client's config.

The source is read again at each look, and every link on the way is followed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core.errors import ModelwrightError
from modelwright.serve.config import ServeConfig
from modelwright.serve.lifecycle.model_config import ModelEntry, models_in_file
from modelwright.serve.lifecycle.models_folder import models_in_folder, skipped_in_model


@dataclass(frozen=True)
class Look:
    """What one look at the source found."""

    entries: Mapping[str, ModelEntry]
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Why an entry of the folder is no model, or one of a model no version, by relative path."""
    problem: str = ""
    """Why the source could not be read; the entries are then those of the look before."""


class ModelSource:
    """Says at each look which models to serve."""

    def __init__(self, config: ServeConfig) -> None:
        self.root = Path(config.models)
        self.links = tuple(map(Path, config.links))
        self._file = Path(config.model_config) if config.model_config else None
        self._name = config.model_name
        self.reloaded: Mapping[str, ModelEntry] | None = None
        """The models of the config that a client sent, which replaces the file and the folder."""

    @property
    def named(self) -> bool:
        """Whether a config names the models."""
        return self._file is not None or self.reloaded is not None

    def look(self, before: Mapping[str, ModelEntry], answering: set[str]) -> Look:
        """Returns the models to serve.

        Args:
            before: those of the look before; empty at the first one.
            answering: the names of those that answer.

        Raises:
            ConfigError: the config file cannot be read, and none was read before.
        """
        found = self._find(before, answering)
        skipped = dict(found.skipped)
        for entry in found.entries.values():
            for name, reason in skipped_in_model(entry).items():
                skipped[self.relative(entry.base / name)] = reason
        return Look(found.entries, skipped, found.problem)

    def relative(self, path: Path) -> str:
        """Returns a path as seen from the models folder, or as it is if it lies elsewhere."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    def _find(self, before: Mapping[str, ModelEntry], answering: set[str]) -> Look:
        if self.reloaded is not None:
            return Look(self.reloaded)
        if self._file is not None:
            try:
                return Look(models_in_file(self._file, self.root, self.links))
            except ModelwrightError as error:
                if not before:
                    raise
                return Look(before, problem=str(error))
        if self._name is not None:
            return Look({self._name: ModelEntry(self._name, self.root)})
        try:
            found = models_in_folder(self.root)
        except OSError as error:
            return Look(before, problem=f"{self.root} cannot be read: {error.strerror}")
        # A deleted folder does not stop its model. Only a model config can leave a model out.
        kept = {name: entry for name, entry in before.items() if name in answering}
        return Look({**kept, **found.entries}, found.skipped)
