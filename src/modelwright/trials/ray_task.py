"""A trial on a Ray cluster as the machine of the search sees it, and its files here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.files import write_bytes
from modelwright.trials.ray_files import ChangedFiles, relocate_run, relocated
from modelwright.trials.ray_host import HostEvent
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import TrialResult, read_trial_result, write_trial_result


@dataclass(eq=False)
class RayTask:
    """A trial that runs, or waits for an actor.

    Attributes:
        trial: The trial.
        place: The trial with absolute paths.
        since: When it was started.
        epoch: The last epoch that was reported.
        moves: How often its actor died.
        stopped: Whether the last answer was to stop.
        host: Its actor; None while it waits for one.
        data: Where the data is there, by the paths that differ from the config's.
    """

    trial: Trial
    place: Trial
    since: float = field(default_factory=time.monotonic)
    epoch: int = 0
    moves: int = 0
    stopped: bool = False
    host: Any = None
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def places_here(self) -> dict[str, str]:
        """The paths of the config, by those on the machine of the actor."""
        return {there: here for here, there in self.data.items()}

    def store(self, said: HostEvent) -> None:
        """Writes what changed in the run, unless its folder is shared."""
        if said.files is not None:
            changed = relocated(said.files.content, self.place.run, self.places_here)
            ChangedFiles(changed, said.files.names).write(self.place.run)
        for name, content in said.results.items():
            write_bytes(self.place.result.with_name(name), content)

    def finish(self) -> TrialResult | None:
        """Gives the run and the result the paths of this machine, and returns the result."""
        relocate_run(self.place.run, self.places_here)
        result = read_trial_result(self.place.result)
        config = self.trial.config.model_dump(mode="json")
        if result is not None and self.data and result.config != config:
            result = result.model_copy(update={"config": config})
            write_trial_result(self.place.result, result)
        return result
