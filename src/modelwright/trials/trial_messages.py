"""Trials and their events as JSON, for trainings in other processes. Loads no framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.core.config import Config
from modelwright.trials.runner import EpochFinished, Event, TrialEnded
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import TrialResult


def trial_to_json(trial: Trial) -> dict[str, Any]:
    """Returns a trial in a form that JSON can hold."""
    return {
        **vars(trial),
        "config": trial.config.model_dump(mode="json"),
        "run": str(trial.run),
        "result": str(trial.result),
    }


def trial_from_json(record: dict[str, Any]) -> Trial:
    """Returns the trial of which ``trial_to_json`` returned the record."""
    config = Config.model_validate(record["config"])
    places = {"run": Path(record["run"]), "result": Path(record["result"])}
    return Trial(**{**record, "config": config, **places})


def event_to_json(event: Event) -> dict[str, Any]:
    """Returns an event in a form that JSON can hold."""
    if isinstance(event, EpochFinished):
        return {**vars(event), "key": list(event.key), "values": dict(event.values)}
    result = None if event.result is None else event.result.model_dump(mode="json")
    return {**vars(event), "key": list(event.key), "result": result}


def event_from_json(record: dict[str, Any]) -> Event:
    """Returns the event of which ``event_to_json`` returned the record."""
    variant, seed = record["key"]
    fields = {**record, "key": (variant, seed)}
    if "outcome" not in record:
        return EpochFinished(**fields)
    result = record["result"]
    fields["result"] = None if result is None else TrialResult.model_validate(result)
    return TrialEnded(**fields)
