"""Makes the content of ``study.json`` for tests, without any training."""

from __future__ import annotations

from typing import Any

from modelwright.studies.plan import StudyPlan
from modelwright.studies.study_record import StudyRecord

MACHINE: dict[str, Any] = {
    "name": "AMD EPYC, 2 cores, no GPU",
    "memory_mib": 8_192,
    "instruction_sets": ["AVX2"],
    "versions": {"python": "3.11.7", "keras": "3.15.1"},
}


def run_json(seed: int, **changes: Any) -> dict[str, Any]:
    """Returns the metrics of one seed."""
    return {
        "seed": seed,
        "rows": 10_000,
        "right": 8_534,
        "accuracy": 0.8534,
        "macro_f1": 0.7,
        "majority_accuracy": 0.1,
        "calibration_error": 0.02,
        "train_accuracy": 0.9059,
        "splits": {"train": 45_000, "val": 5_000, "test": 10_000},
        "minutes": 13.42,
        "epochs": 30,
        "best_epoch": 25,
        "parameters": 356_810,
        "precision": "float32 (set)",
        "date": "2026-11-24",
        "machine": MACHINE["name"],
        **changes,
    }


def variant_json(name: str, value: float | None, /, **changes: Any) -> dict[str, Any]:
    """Returns a variant with two seeds; without an accuracy, one that has not been trained."""
    estimate = {"value": value, "low": 0.8463, "high": 0.8602, "method": "t over seeds"}
    gap = {"value": 0.0525, "low": 0.05, "high": 0.055, "method": "t over seeds"}
    trained = value is not None
    return {
        "name": name,
        "reference": None,
        "recipe": "cnn",
        "tta": False,
        "config": {},
        "settings": {},
        "changed": {"train.epochs": 30},
        "command": f"modelwright train --data cifar10 --out '{name}'",
        "claimed": None,
        "claimed_gap": None,
        "rerun": None,
        "runs": [run_json(seed) for seed in (0, 1)] if trained else [],
        "accuracy": estimate if trained else None,
        "train_accuracy": 0.9059 if trained else None,
        "gap": gap if trained else None,
        "minutes": 13.42 if trained else None,
        "parameters": 356_810 if trained else None,
        **changes,
    }


def study_json(*variants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns a finished study with the variants."""
    return {
        "kind": "study",
        "format": 1,
        "name": "table",
        "folder": "studies/table",
        "status": "finished",
        "split": "test",
        "tta": False,
        "title": {},
        "source": {},
        "seeds": [0, 1],
        "data": {"source": "cifar10", "fingerprint": "0" * 64, "rows": {"test": 10_000}},
        "machines": [MACHINE],
        "date": "2026-11-24",
        "command": "modelwright compare table.toml",
        "variants": list(variants),
        "comparisons": [],
        "failures": [],
        "missing": [],
        **changes,
    }


def study_record(*variants: dict[str, Any], **changes: Any) -> StudyRecord:
    """Returns the same as a record."""
    return StudyRecord.model_validate(study_json(*variants, **changes))


def plan_json(plan: StudyPlan, accuracies: dict[str, float], **changes: Any) -> dict[str, Any]:
    """Returns a finished study of a plan, with intervals of one point to both sides."""
    variants = []
    for one in plan.variants:
        config, value = one.config(plan.name, plan.seeds[0]), accuracies[one.name]
        ends = {"low": value - 0.01, "high": value + 0.01}
        variants.append(
            variant_json(
                one.name,
                value,
                recipe=config.recipe,
                tta=one.tta,
                config=config.model_dump(mode="json"),
                changed=one.changed_settings(),
                command="modelwright train --out somewhere/else",
                runs=[run_json(seed) for seed in plan.seeds],
                accuracy={"value": value, **ends, "method": "t over seeds"},
                gap={"value": 0.05, "low": 0.04, "high": 0.06, "method": "t over seeds"},
                minutes=12.34,
            )
        )
    about = {"name": plan.name, "split": plan.split, "tta": plan.tta, "seeds": list(plan.seeds)}
    return study_json(*variants, **{**about, "folder": "somewhere/else", **changes})
