"""What a sampler is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.trial_record import TrialRecord


class Sampler(Protocol):
    """Proposes values. It keeps no state: the same records and number give the same values.

    So a search that was stopped goes on as if it had not been, and no file of a library can be
    torn or out of date.
    """

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values | None:
        """Returns the values of the next trial, or None if the space is exhausted.

        Args:
            number: the number of the next trial.
            records: all earlier trials, in the order of their numbers; those of other workers
                are still running. If there are more records than ``number``, the last ones are
                proposals for this number that were tried before; another one is asked for.
        """


class SamplerFactory(Protocol):
    """Makes a sampler; what a module of samplers registers.

    ``seed`` is the search's, and ``max_epochs`` the most epochs of a trial, if that is known.
    A factory raises a ConfigError for a space that it cannot search.
    """

    def __call__(
        self, space: Space, *, seed: int, higher_is_better: bool, max_epochs: int | None
    ) -> Sampler: ...
