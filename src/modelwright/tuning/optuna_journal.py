"""Writes the trials of a search as a journal file of Optuna's, for optuna-dashboard.

    optuna-dashboard tunings/reviews/optuna.log

The file is written anew from the records each time, as a whole or not at all. No search reads it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from modelwright.core.files import write_bytes
from modelwright.tuning.dimension import Space
from modelwright.tuning.optuna_study import frozen_trials, quiet_optuna, require_optuna
from modelwright.tuning.trial_record import TrialRecord

JOURNAL = "optuna.log"
"""Name of the file in the folder of a search."""


def write_journal(
    path: Path,
    name: str,
    space: Space,
    records: Sequence[TrialRecord],
    *,
    higher_is_better: bool,
) -> None:
    """Writes a journal with one study.

    Args:
        path: the file.
        name: name of the study.
        space: what the search varies.
        records: the trials, in the order of their numbers.
        higher_is_better: whether a larger objective is better.

    Raises:
        MissingDependencyError: Optuna is not installed.
        WriteError: the file cannot be written.
    """
    require_optuna()
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    with tempfile.TemporaryDirectory() as folder, quiet_optuna():
        journal = Path(folder) / JOURNAL
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))),
            study_name=name,
            direction="maximize" if higher_is_better else "minimize",
        )
        trials = frozen_trials(space, records, higher_is_better=higher_is_better)
        for record, trial in zip(records, trials, strict=True):
            figures = {"figures": dict(record.figures)} if record.figures else {}
            reason = {"reason": record.reason} if record.reason else {}
            trial.user_attrs.update({**figures, **reason, "seconds": record.seconds})
            study.add_trial(trial)
        content = journal.read_bytes()
    write_bytes(path, content)
