"""Trials and events survive the way through JSON."""

from __future__ import annotations

import json
from pathlib import Path

from modelwright.trials.runner import EpochFinished, Event, TrialEnded
from modelwright.trials.trial_messages import (
    event_from_json,
    event_to_json,
    trial_from_json,
    trial_to_json,
)
from modelwright.trials.trial_result import MachineRecord, TrialMetrics, TrialResult
from small_trials import text_trial

_METRICS = TrialMetrics(
    rows=9, right=5, accuracy=5 / 9, macro_f1=0.1, majority_accuracy=0.2, calibration_error=0.3,
    train_accuracy=1.0, splits={"train": 3, "val": 9}, minutes=0.1, epochs=2, best_epoch=1,
    parameters=7, precision="float32",
)  # fmt: skip


def test_a_trial_comes_back(tmp_path: Path) -> None:
    trial = text_trial(tmp_path / "评论.csv", tmp_path, "宽 网络", widths=[2, 3])
    assert trial_from_json(json.loads(json.dumps(trial_to_json(trial)))) == trial


def test_events_come_back() -> None:
    machine = MachineRecord(name="a", memory_mib=1, instruction_sets=("b",), versions={"c": "d"})
    result = TrialResult(
        variant="v", seed=1, config={"a": None}, fingerprint="f", machine=machine, date="d",
        figures=_METRICS, order="o", right="ff80",
    )  # fmt: skip
    events: list[Event] = [
        EpochFinished(("宽", 2), 1, {"loss": 0.1 + 0.2, "val_loss": 1 / 3}, earlier=True),
        TrialEnded(("v", 1), "finished", result, seconds=1.5),
        TrialEnded(("v", 1), "failed", reason="it \u2028 fell"),
    ]
    for event in events:
        assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event
