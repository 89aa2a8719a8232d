"""How an update made a version, as its manifest records it, and what makes two updates the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.data.digests import fingerprint_rows
from modelwright.data.splits import TRAIN
from modelwright.updating.base_model import BaseModel, ancestors
from modelwright.updating.classroom import Classroom
from modelwright.updating.compose import fingerprint_of
from modelwright.updating.judgment import Judgment
from modelwright.updating.new_rows import NewRows
from modelwright.updating.old_rows import OldRows
from modelwright.updating.read_source import reading_config
from modelwright.updating.row_store import StoredRows
from modelwright.updating.settings import UpdateSettings
from modelwright.updating.work_folder import identity_of


def identity(
    base: BaseModel, old: OldRows, new: NewRows, settings: UpdateSettings
) -> dict[str, Any]:
    """Returns what the result of an update depends on."""
    return {
        "model": fingerprint_of(base),
        "data": fingerprint(new.stored, new.names),
        "old rows": fingerprint(old.stored, new.names),
        "strategy": settings.strategy,
        "memory": settings.memory,
        "seed": settings.seed,
        "old_data": settings.old_data,
        "max_drop": settings.limits.max_drop,
        "max_class_drop": settings.limits.max_class_drop,
        "new_classes": settings.new_classes,
    }


def fingerprint(rows: StoredRows, names: tuple[str, ...]) -> str:
    """Returns a sha256 of rows with their labels and sides."""
    return fingerprint_rows(rows.digests, rows.labels, rows.sides, names)


def describe_lineage(
    room: Classroom,
    name: str,
    judgment: Judgment,
    settings: UpdateSettings,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the lineage of new weights.

    Args:
        room: the rows and the model before.
        name: the strategy.
        judgment: the figures.
        settings: the settings of the update.
        made: what ``identity`` returned.
    """
    base, verdict = room.base, judgment.verdict(name)
    taught = room.new.stored
    return {
        "parent": base.version,
        "version": base.version + 1 if base.model is None else None,
        "ancestors": sorted(ancestors(base)),
        "strategy": name,
        "seed": settings.seed,
        "update": identity_of(made),
        "settings": {key: made[key] for key in ("memory", "max_drop", "max_class_drop")},
        "train": room.train.model_dump(),
        "labels": {"before": len(base.labels), "after": len(room.new.names)},
        "tokens": {"before": room.tokens.before, "after": room.tokens.after},
        "data": {
            "source": room.new.source,
            "rows": np.bincount(taught.sides, minlength=3).tolist()[TRAIN],
        },
        "fingerprints": {
            "parent": made["model"],
            "new": made["data"],
            "old": made["old rows"],
        },
        "gate": {
            "old": verdict.old.to_dict() if verdict else None,
            "new": verdict.new.to_dict() if verdict else None,
            "candidates": judgment.judged,
        },
        "reading": reading_config(base, "", {}).model_dump(),
    }
