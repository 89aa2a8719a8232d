"""The tables of a study, made from its record."""

from __future__ import annotations

from modelwright.core import terminal
from modelwright.studies.tables import study_blocks, study_page
from study_records import study_record, variant_json


def test_a_page_has_every_number_and_says_what_is_missing() -> None:
    test = {"difference": 0.01, "low": -0.001, "high": 0.021, "p": 0.00001, "corrected": 0.00002}
    comparison = {
        "variant": "b|ase", "reference": "宽", "seeds": [0, 1], "difference": 0.01,
        "over_seeds": None, "over_rows": test,
    }  # fmt: skip
    page = study_page(
        study_record(
            variant_json("b|ase", 0.85338, claimed=0.856, claimed_gap=-0.02),
            variant_json("宽", None),
            comparisons=[comparison],
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
        "- AMD EPYC, 2 cores, no GPU; python 3.11.7, keras 3.15.1",
    ):
        assert line in page.splitlines(), line
    assert "![" in page


def test_a_claim_takes_a_column_only_if_there_is_one() -> None:
    without = terminal.render(study_blocks(study_record(variant_json("base", 0.9))))
    claimed = terminal.render(study_blocks(study_record(variant_json("base", 0.9, claimed=0.8))))
    assert "claimed" not in without
    assert "claimed" in claimed
    assert without.endswith("\n\nfiles: studies/table")


def test_a_long_name_is_shortened_on_a_terminal_only() -> None:
    study = study_record(variant_json("宽" * 40, 0.9))
    assert "宽" * 17 not in terminal.render(study_blocks(study))
    assert "宽" * 40 in study_page(study)
