"""The journal for optuna-dashboard: Optuna reads the trials of the records in it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from modelwright.tuning.optuna_journal import write_journal
from modelwright.tuning.optuna_study import quiet_optuna
from modelwright.tuning.space_points import random_point
from search_spaces import MIXED, record, varied_record


def test_optuna_reads_the_trials(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    records = [varied_record(n, random_point(MIXED, generator)) for n in range(12)]
    records.append(record(12, records[0].values, 0.99, figures={"size_mib": 1.5}, seconds=3.0))
    path = tmp_path / "optuna.log"
    for count in (5, 13):
        write_journal(path, "reviews", MIXED, records[:count], higher_is_better=True)
    assert [file.name for file in tmp_path.iterdir()] == ["optuna.log"]
    with quiet_optuna():
        storage = JournalStorage(JournalFileBackend(str(path)))
        study = optuna.load_study(study_name="reviews", storage=storage)
    assert study.best_trial.number == 12
    assert study.best_trial.user_attrs == {"figures": {"size_mib": 1.5}, "seconds": 3.0}
    assert study.trials[0].params["train.learning_rate"] == records[0].values["train.learning_rate"]
    assert study.trials[0].params["model.units"] == str(records[0].values["model.units"])
    states = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "running": "RUNNING"}
    assert [one.state.name for one in study.trials] == [states[one.state] for one in records]
    assert all(math.isfinite(one.value) for one in study.trials if one.value is not None)
    assert study.trials[3].user_attrs["reason"] == "out of memory"
