"""Records of finished studies, kept as ``benchmarks/results/STUDY.json``.

It reads and compares records; it trains nothing and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from modelwright.core.config import Config, check_table
from modelwright.studies.plan import StudyPlan, StudyVariant
from modelwright.studies.study_record import StudyRecord, VariantRecord, read_study_record
from modelwright.trials.settings_difference import settings_difference


def find_finished_study(results: Path, name: str) -> StudyRecord | None:
    """Returns the record of a study, or None if there is none.

    Raises:
        RunError: the file cannot be read.
    """
    path = results / f"{name}.json"
    return read_study_record(path) if path.is_file() else None


def portable_record(study: StudyRecord, plan: StudyPlan) -> StudyRecord:
    """Returns the record without the folder in which the study ran."""
    folder, seed = Path("studies") / plan.name, plan.seeds[0]
    commands = {
        variant.name: variant.command(seed, folder / "runs" / variant.run_name(seed))
        for variant in plan.variants
    }
    variants = tuple(
        variant.model_copy(update={"command": commands[variant.name]}) for variant in study.variants
    )
    return study.model_copy(update={"folder": folder, "variants": variants})


def outdated_reasons(study: StudyRecord, plan: StudyPlan) -> list[str]:
    """Returns in what a record differs from what the plan would measure; empty if in nothing."""
    pairs = {
        "study": (study.name, plan.name),
        "seeds": (list(study.seeds), list(plan.seeds)),
        "split": (study.split, plan.split),
        "status": (study.status, "finished"),
    }
    reasons = [f"{key}: {one} and {other}" for key, (one, other) in pairs.items() if one != other]
    recorded = {variant.name: variant for variant in study.variants}
    for variant in plan.variants:
        if variant.name not in recorded:
            reasons.append(f"{variant.name} is missing")
        else:
            reasons += _variant_differences(recorded[variant.name], variant, plan)
    return reasons


def _variant_differences(
    recorded: VariantRecord, variant: StudyVariant, plan: StudyPlan
) -> list[str]:
    now = variant.config(plan.name, plan.seeds[0])
    old = check_table(Config, recorded.config, variant.name)
    differences = []
    if recorded.tta != variant.tta:
        differences.append("test-time augmentation")
    if old.data.source != now.data.source:
        differences.append(f"data.source {old.data.source} is now {now.data.source}")
    rows = recorded.runs[0].splits if recorded.runs else {}
    if changed := settings_difference(old, now, rows):
        differences.append(changed)
    return [f"{variant.name}: {difference}" for difference in differences]
