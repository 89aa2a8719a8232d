"""Records of studies: every recorded file is read completely, and a damaged one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.core.errors import RunError
from modelwright.studies.study_record import read_study_record
from study_records import study_json, variant_json

RESULTS = sorted((Path(__file__).parents[2] / "benchmarks" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_recorded_study_loses_nothing_when_it_is_read(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    study = read_study_record(path)
    if content.get("kind") == "study":
        assert study is not None
        assert study.to_dict() == content
        assert list(study.to_dict()) == list(content)
    else:
        assert study is None


def test_there_are_recorded_studies() -> None:
    assert sum(read_study_record(path) is not None for path in RESULTS) >= 8


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", r"a\.json cannot be read as a study's JSON"),
        ('{"kind": "study", "format": 2}', r"a\.json has format 2; this version reads 1"),
        ('{"kind": "study"}', r"a\.json has format None; this version reads 1"),
        ('{"kind": "study", "format": 1}', r"a\.json is not a study .*: 'name': Field required"),
        (
            json.dumps(study_json(variant_json("base", 0.9, minutes="soon"))),
            r"'variants\.0\.minutes': Input should be a valid number",
        ),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_named(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RunError, match=says):
        read_study_record(tmp_path / "a.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none\.json cannot be read"):
        read_study_record(tmp_path / "none.json")


def test_unknown_keys_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**study_json(variant_json("base", 0.9)), "newer": 1}))
    study = read_study_record(path)
    assert study is not None and study.variants[0].name == "base"
