"""Tables and what is proved by kept studies, from JSON alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import RunError
from modelwright.publish import kept_studies
from modelwright.recipes import measured, recipe
from modelwright.studies import tables

KEPT = sorted((Path(__file__).parents[2] / "benchmarks" / "results").glob("*.json"))
MACHINE = {"name": "AMD EPYC, 2 cores, no GPU", "versions": {"python": "3.11.7"}}


def variant(name: str, accuracy: float | None, **changes: Any) -> dict[str, Any]:
    """A variant as ``study.json`` has it; None for one that is still to come."""
    estimate = {"value": accuracy, "low": 0.8463, "high": 0.8602, "method": "t over seeds"}
    gap = {"value": 0.0525, "low": 0.05, "high": 0.055, "method": "t over seeds"}
    done = accuracy is not None
    run = {"rows": 10_000, "machine": MACHINE["name"], "precision": "float32 (set)"}
    return {
        "name": name,
        "recipe": "cnn",
        "tta": False,
        "settings": {},
        "changed": {"train.epochs": 30},
        "command": f"modelwright train --data cifar10 --out '{name}'",
        "claimed": None,
        "claimed_gap": None,
        "rerun": None,
        "runs": [{"seed": seed, **run} for seed in (0, 1)] if done else [],
        "accuracy": estimate if done else None,
        "train_accuracy": 0.9059 if done else None,
        "gap": gap if done else None,
        "minutes": 13.42 if done else None,
        "parameters": 356_810 if done else None,
        **changes,
    }


def study(*variants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "kind": "study",
        "format": 1,
        "name": "table",
        "folder": "studies/table",
        "split": "test",
        "tta": False,
        "seeds": [0, 1],
        "data": {"source": "cifar10", "rows": {"test": 10_000}},
        "machines": [MACHINE],
        "variants": list(variants),
        "comparisons": [],
        "failures": [],
        "missing": [],
        **changes,
    }


ENTRY: dict[str, Any] = {
    "data": "cifar10",
    "accuracy": 0.8534,
    "low": 0.8463,
    "high": 0.8602,
    "interval": "seeds",
    "rows": 10_000,
    "seeds": [0, 1],
    "minutes": 13.4,
    "machine": MACHINE["name"],
    "settings": {"train.epochs": 30},
    "study": "table",
    "variant": "b|ase",
}


def test_a_page_has_every_figure_and_says_what_is_missing() -> None:
    test = {"low": -0.001, "high": 0.021, "p": 0.00001, "corrected": 0.00002}
    difference = {
        "variant": "b|ase", "reference": "宽", "difference": 0.01, "over_seeds": None,
        "over_rows": test,
    }  # fmt: skip
    page = tables.markdown(
        study(
            variant("b|ase", 0.85338, claimed=0.856, claimed_gap=-0.02),
            variant("宽", None),
            comparisons=[difference],
            failures=[{"variant": "宽", "seed": 0, "error": "no [rows]"}],
            missing=[{"variant": "宽", "seed": 1}],
        )
    )
    for line in (
        r"| b\|ase | 2 | 85.60 % | 85.34 % | 84.63 to 86.02 | 13.4 | 356,810 |",
        "| 宽 | 0 of 2 | — | — | — | — | — |",
        r"| b\|ase | 90.59 % | +5.25 | +5.00 to +5.50 | -2.00 |",
        r"| b\|ase | 宽 | +1.00 | — | — | -0.10 to +2.10 | <0.0001 |",
        "- failed: 宽, seed 0: no [rows]",
        "- trainings still to come: 1; the same command goes on with them",
        "- 95 %: Student's t over the seeds",
        "- trained in float32 (set)",
    ):
        assert line in page.splitlines(), line
    assert "![" in page


def test_a_claim_takes_a_column_only_where_there_is_one() -> None:
    assert "claimed" not in tables.render(study(variant("base", 0.9)))
    assert "claimed" in tables.render(study(variant("base", 0.9, claimed=0.8)))


def test_kept_studies_are_merged_by_their_rows(tmp_path: Path) -> None:
    found = {
        "a.json": study(variant("base", 0.8534), variant("later", None)),
        "b.json": study(variant("宽", 0.86, claimed=0.87), name="other"),
        "c.json": study(variant("val", 0.9), split="val"),
        "d.json": {"machine": {}, "medians": {}},
    }
    for name, record in found.items():
        (tmp_path / name).write_text(json.dumps(record), encoding="utf-8")
    merged = kept_studies.merge(sorted(tmp_path.glob("*.json"))).splitlines()
    assert [line for line in merged if line.startswith("#")] == [
        "## cifar10, test rows",
        "## cifar10, val rows",
    ]
    machine = MACHINE["name"]
    shared = f"84.63 to 86.02 | +5.25 | 13.4 | {machine} |"
    assert f"| base | table | 0, 1 | — | 85.34 % | {shared}" in merged
    assert f"| 宽 | other | 0, 1 | 87.00 % | 86.00 % | {shared}" in merged
    assert not [line for line in merged if "later" in line]


def test_a_kept_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(RunError, match=r"a\.json cannot be read as a study's JSON"):
        kept_studies.merge([tmp_path / "a.json"])
    (tmp_path / "a.json").write_text('{"kind": "study", "format": 2}')
    with pytest.raises(RunError, match=r"a\.json has format 2; this version reads 1"):
        kept_studies.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"accuracy": 0.8535}, "accuracy: 0.8535 and 0.8534"),
        ({"high": 0.87}, "high: 0.87 and 0.8602"),
        ({"seeds": [0, 2]}, r"seeds: \[0, 2\] and \[0, 1\]"),
        ({"minutes": 12.0}, "minutes: 12.0 and 13.4"),
        ({"settings": {}}, r"settings: \{\} and"),
        ({"machine": "another"}, "machine: another and AMD"),
        (
            {"note": "with test-time augmentation"},
            "test-time augmentation: True and False",
        ),
        ({"rows": 5}, "rows: 5 and 10000"),
        ({"variant": "none"}, "table has no measured variant 'none'"),
    ],
)
def test_a_recipe_that_says_otherwise_than_its_study_is_found(
    changes: dict[str, Any], says: str | None
) -> None:
    entry = measured.read({**ENTRY, **changes}, "cnn")
    found = kept_studies.disagreements("cnn", entry, study(variant("b|ase", 0.85338)))
    if says is None:
        assert found == []
        assert kept_studies.disagreements("bilstm", entry, study(variant("b|ase", 0.85338)))
    else:
        [line] = found
        assert re.search(says, line)


@pytest.mark.parametrize("name", recipe.names())
def test_a_shipped_recipe_says_what_its_study_found(name: str) -> None:
    studies = {record["name"]: record for path in KEPT if (record := kept_studies.read(path))}
    for entry in recipe.read(name).measured:
        if entry.study is not None:
            assert entry.study in studies, f"{entry.study}.json is not in benchmarks/results"
            assert kept_studies.disagreements(name, entry, studies[entry.study]) == []
