"""The scores of recipes, the tables ``[[measured]]``, and the studies they come from.

It compares records; it trains nothing and writes nothing.
"""

from __future__ import annotations

from typing import Any

from modelwright.core.statistics import Estimate
from modelwright.recipes.measured_score import MeasuredScore
from modelwright.studies.study_record import StudyRecord

_AUGMENTED = "test-time augmentation"


def scores_of_study(study: StudyRecord) -> list[tuple[str, dict[str, Any]]]:
    """Returns a recipe and a table ``[[measured]]`` for each variant that trains as its recipe.

    A variant with other settings of ``[train]`` says nothing about the recipe and is left out.
    """
    scores = []
    for variant in study.variants:
        accuracy, minutes, changed = variant.accuracy, variant.minutes, variant.changed
        if accuracy is None or minutes is None or study.split != "test":
            continue
        if any(key.startswith("train.") for key in changed):
            continue
        score: dict[str, Any] = {
            "data": study.data.source,
            "accuracy": round(accuracy.value, 4),
            "low": round(accuracy.low, 4),
            "high": round(accuracy.high, 4),
            "interval": _interval(accuracy),
            "rows": variant.runs[0].rows,
            "seeds": variant.seeds,
            "minutes": round(minutes, 1),
            "machine": variant.machines,
        }
        if variant.tta:
            score["note"] = _AUGMENTED
        if changed:
            score["settings"] = dict(changed)
        score.update(study=study.name, variant=variant.name)
        scores.append((variant.recipe, score))
    return scores


def score_disagreements(recipe: str, score: MeasuredScore, study: StudyRecord) -> list[str]:
    """Returns what a score says differently than the study that it names; empty if nothing."""
    named = [variant for variant in study.variants if variant.name == score.variant]
    accuracy = named[0].accuracy if named else None
    if study.name != score.study or accuracy is None:
        return [f"{study.name} has no measured variant '{score.variant}'"]
    [variant] = named
    pairs = {
        "recipe": (recipe, variant.recipe),
        "data": (score.data, study.data.source),
        "split": ("test", study.split),
        _AUGMENTED: (_AUGMENTED in score.note, variant.tta),
        "rows": (score.rows, variant.runs[0].rows),
        "seeds": (score.seeds, variant.seeds),
        "interval": (score.interval, _interval(accuracy)),
        "machine": (score.machine, variant.machines),
        # The file has a hundredth of a percentage point and a tenth of a minute.
        "accuracy": (round(score.accuracy, 4), round(accuracy.value, 4)),
        "low": (round(score.low, 4), round(accuracy.low, 4)),
        "high": (round(score.high, 4), round(accuracy.high, 4)),
        "minutes": (round(score.minutes, 1), round(variant.minutes or 0, 1)),
        "settings": (score.settings, variant.changed),
    }
    return [f"{key}: {one} and {other}" for key, (one, other) in pairs.items() if one != other]


def _interval(accuracy: Estimate) -> str:
    return "seeds" if "seeds" in accuracy.method else "rows"
