"""Makes the content of ``tuning.json`` for tests, without any training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modelwright.tuning.search_record import SearchRecord

DIMENSIONS: list[dict[str, Any]] = [
    {"key": "train.learning_rate", "kind": "float", "low": 1e-4, "high": 1e-2, "log": True},
    {"key": "model.cell", "kind": "choice", "choices": ["lstm", "gru"]},
    {"key": "model.units", "kind": "choice", "choices": [[32], [64, 32], [128, 64]]},
    {"key": "model.embedding", "kind": "int", "low": 64, "high": 256, "step": 64},
    {"key": "model.recurrent_dropout", "kind": "float", "low": 0, "high": 0.5,
     "conditions": [["model.cell", ["gru"]]]},
]  # fmt: skip


def search_trials(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Returns trials whose objective depends on the learning rate, a little on the units."""
    random = np.random.default_rng(seed)
    trials: list[dict[str, Any]] = []
    for number in range(count):
        values: dict[str, Any] = {
            "train.learning_rate": float(10 ** random.uniform(-4, -2)),
            "model.cell": str(random.choice(["lstm", "gru"])),
            "model.units": [[32], [64, 32], [128, 64]][random.integers(3)],
            "model.embedding": int(64 * random.integers(1, 5)),
        }
        if values["model.cell"] == "gru":
            values["model.recurrent_dropout"] = float(random.uniform(0, 0.5))
        better = -0.03 * (math.log10(values["train.learning_rate"]) + 2.9) ** 2
        objective = 0.86 + better + 0.004 * len(values["model.units"]) + random.normal() * 0.002
        pruned = number > 4 and objective < 0.855
        trials.append({
            "number": number, "values": values, "state": "pruned" if pruned else "finished",
            "epochs": [objective] * (1 if pruned else 4), "objective": float(objective),
            "seconds": 14.0 if pruned else 40.0,
            "reason": "asha ended it after epoch 1" if pruned else "",
            "figures": {} if pruned else {
                "accuracy": float(objective), "macro_f1": float(objective), "rows": 2500.0,
                "parameters": 1e6, "size_mib": 3.8 + number % 4, "latency_ms": 2.0 + number % 3},
        })  # fmt: skip
    return trials


def failed_trial(number: int, reason: str, **values: Any) -> dict[str, Any]:
    """Returns a trial that failed."""
    base = search_trials(1)[0]["values"]
    return {"number": number, "values": {**base, **values}, "state": "failed", "reason": reason,
            "seconds": 3.0}  # fmt: skip


def search_json(trials: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Returns a search with these trials."""
    trials = [{"state": "running", **one} for one in trials]
    finished = [one for one in trials if one["state"] == "finished"]
    best = max(finished, key=lambda one: one["objective"], default=None)
    states = ("finished", "pruned", "failed", "running")
    search = {
        "objective": "val_accuracy",
        "trials": max(1, len(trials)),
        **changes.pop("search", {}),
    }
    return {
        "kind": "search",
        "format": 1,
        "name": "reviews",
        "folder": "tunings/reviews",
        "status": "finished",
        "command": "modelwright tune tunings/reviews",
        "search": search,
        "base": {"recipe": "bilstm", "train": {"learning_rate": 1e-3},
                 "model": {"builder": "bilstm", "options": {"units": [64, 32]}}},
        "dimensions": DIMENSIONS,
        "data": {"source": "imdb", "fingerprint": "0" * 64,
                 "rows": {"train": 22500, "val": 2500, "test": 25000}},
        "trials": {state: sum(one["state"] == state for one in trials) for state in states},
        "records": trials,
        "best": None if best is None else {
            "number": best["number"], "objective": best["objective"], "error": 0.0069,
            "settings": best["values"], "run": f"tunings/reviews/runs/{best['number']:04}"},
        "seconds": 812.0,
        **changes,
    }  # fmt: skip


def search_record(trials: list[dict[str, Any]], **changes: Any) -> SearchRecord:
    """Returns the same as a record."""
    return SearchRecord.model_validate(search_json(trials, **changes))
