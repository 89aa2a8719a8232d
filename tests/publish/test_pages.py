"""Tables of the results pages, in both languages, from JSON alone."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_reproduce import ACCURACIES, NAME

from modelwright.core.errors import ConfigError, RunError
from modelwright.publish import benchmark_tables, pages, published_comparison
from modelwright.publish.benchmark_tables import benchmark_markdown
from modelwright.publish.pages import PAGES, fill_page
from modelwright.publish.published_comparison import (
    claim_reached,
    missed_claims,
    with_current_claims,
)
from modelwright.publish.shipped_studies import read_shipped_study, shipped_study_names
from modelwright.studies import translations
from modelwright.studies.study_record import StudyRecord
from study_records import plan_json

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
BENCHMARK: dict[str, Any] = {
    "date": "2026-11-24 10:00 +0000",
    "machine": {"processor": "AMD EPYC", "cores": 2, "versions": {"keras": "3.15.1"}},
    "load_before": 0.5,
    "load_after": 1.25,
    "options": {"rounds": 3, "quick": False, "kinds": ["pictures"], "rows": 0},
    "pictures": {
        "medians": {
            "modelwright": {"rows_per_second": 2080.4, "precision": "auto (why)", "rows": 45},
            "keras": {"rows_per_second": 1000.0, "precision": "float32", "reached_seconds": None},
        },
        "rate_ratio": 2.0804,
        "relu_over": {"seconds": 0.5, "pairs": {"epochs": 0.25}},
        "runs": {"modelwright": [{"rows_per_second": 2080.4}]},
    },
}


def mark(name: str, kind: str = "table") -> str:
    return f"before\n\n<!-- {kind}: {name} -->\n<!-- end -->\n\nafter\n"


def write_result(folder: Path, name: str, record: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_pages_are_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert fill_page(text, RESULTS, PAGES[name]) == text, "modelwright reproduce --page"


def test_every_study_and_the_list_have_a_mark() -> None:
    for name in PAGES:
        text = (ROOT / name).read_text("utf-8")
        for study in shipped_study_names():
            assert f"<!-- table: {study} -->" in text
        assert "<!-- list: short -->" in text


def test_a_study_is_a_table_in_both_languages(tmp_path: Path) -> None:
    write_result(tmp_path, NAME, plan_json(read_shipped_study(NAME), ACCURACIES))
    english = fill_page(mark(NAME), tmp_path, "en")
    chinese = fill_page(mark(NAME), tmp_path, "zh")
    assert "| base | 78.50 % | 63.00 % | 79.00 % | 78.00 to 80.00 | 3 | +0.50 | yes |" in english
    assert "| base | 78.50 % | 63.00 % | 79.00 % | 78.00 至 80.00 | 3 | +0.50 | 是 |" in chinese
    for text in (english, chinese):
        for part in (NAME, "0, 1, 2", "AMD EPYC, 2 cores", "2026-11-24", "keras 3.15.1", "--again"):
            assert part in text
        assert text.startswith("before\n") and text.endswith("\nafter\n")
        assert fill_page(text, tmp_path, "en" if text is english else "zh") == text
    assert len(english.splitlines()) == len(chinese.splitlines())


def test_a_page_says_if_settings_have_changed(tmp_path: Path) -> None:
    study = plan_json(read_shipped_study(NAME), ACCURACIES)
    study["variants"][0]["config"]["train"]["epochs"] = 7
    write_result(tmp_path, NAME, study)
    now = read_shipped_study(NAME).variants[0].config(NAME, 0).train.epochs
    says = f"- other settings today: base: train.epochs 7 is now {now}"
    assert says in fill_page(mark(NAME), tmp_path, "en")


def test_a_missing_result_is_shown_as_not_measured(tmp_path: Path) -> None:
    expected: dict[translations.PageLanguage, str] = {"en": "Not measured yet.", "zh": "尚未测量。"}
    for language, says in expected.items():
        for name in (NAME, "training"):
            lines = fill_page(mark(name), tmp_path, language).splitlines()
            assert lines[4] == says
            assert lines[2:7:4] == [f"<!-- table: {name} -->", "<!-- end -->"]


def test_the_list_has_the_published_accuracies_that_are_not_reached(tmp_path: Path) -> None:
    def listed() -> list[str]:
        text = fill_page(mark("short", "list"), tmp_path, "en")
        return [line for line in text.splitlines()[3:-4] if line]

    assert listed() == ["Nothing has been measured yet."]
    write_result(tmp_path, NAME, plan_json(read_shipped_study(NAME), ACCURACIES))
    assert listed() == [
        f"- {NAME}, + dropout: 81.00 %, 0.20 points below the published 81.20 %; it lies within the"
        " interval",
        f"- {NAME}, + batch norm: 80.00 %, 3.10 points below the published 83.10 %",
    ]
    write_result(
        tmp_path, NAME, plan_json(read_shipped_study(NAME), dict.fromkeys(ACCURACIES, 0.9))
    )
    assert listed() == ["Everything measured is reached."]


def test_the_published_accuracy_itself_is_reached() -> None:
    plan = read_shipped_study(NAME)
    record = StudyRecord.model_validate(plan_json(plan, {**ACCURACIES, "base": 0.785}))
    study = with_current_claims(record, plan)
    assert claim_reached(study.variants[0])
    assert not [line for line in missed_claims(study) if "base" in line]


def test_a_benchmark_is_a_table_of_its_medians(tmp_path: Path) -> None:
    write_result(tmp_path, "training", BENCHMARK)
    text = fill_page(mark("training"), tmp_path, "en")
    for line in (
        "`pictures`",
        "| side | rows/s | precision |",
        "| modelwright | 2,080 | auto |",
        "| keras | 1,000 | float32 |",
        "- `rate_ratio`: 2.08",
        "- `relu_over`: seconds 0.5, pairs (epochs 0.25)",
        "- 2026-11-24, AMD EPYC, 2 cores; keras 3.15.1",
        "- load average 0.5 before, 1.2 after",
        "- options: rounds 3, kinds pictures",
    ):
        assert line in text.splitlines(), line
    assert "| 一方 | 行/秒 | 精度 |" in fill_page(mark("training"), tmp_path, "zh")


def test_a_recorded_benchmark_can_be_shown() -> None:
    record = json.loads((RESULTS / "loading.json").read_text("utf-8"))
    text = benchmark_markdown(record)
    assert "| keras iterated | 9,510 |" in text
    assert text.count("| side |") == 2


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("<!-- table: a -->\n", ConfigError, "1 marks begin on the page and 0 are complete"),
        ("<!-- table: a -->\n<!-- table: b -->\n<!-- end -->\n", ConfigError, "2 marks begin"),
        (mark("long", "list"), ConfigError, "'list: long' is unknown; known: short"),
        (mark("other"), RunError, "holds the study 'cifar10-table'; expected 'other'"),
        (mark("empty"), RunError, "is not as a benchmark writes it: KeyError 'machine'"),
    ],
)
def test_a_wrong_mark_or_result_is_refused(
    tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    write_result(tmp_path, "other", plan_json(read_shipped_study(NAME), ACCURACIES))
    write_result(tmp_path, "empty", {})
    with pytest.raises(error, match=re.escape(says)):
        fill_page(text, tmp_path, "en")


def test_only_changed_pages_are_written(
    tmp_path: Path, cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("reproduce", "--page")
    assert code == 2
    assert "run this in a checkout" in err
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "results.md").write_text(mark(NAME), encoding="utf-8")
    write_result(results, NAME, plan_json(read_shipped_study(NAME), ACCURACIES))
    code, out, _ = cli("reproduce", "--page", "--json")
    assert (code, json.loads(out)["written"]) == (0, ["docs/results.md"])
    code, out, _ = cli("reproduce", "--page")
    assert out == "unchanged: docs/results.md\n"


def test_every_text_has_a_chinese_translation() -> None:
    said = set()
    for module in (published_comparison, pages, benchmark_tables):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                for value in ast.walk(node.args[0]):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        said.add(value.value)
    said |= {word for word, _ in benchmark_tables._COLUMNS.values()}
    said |= set(published_comparison._METHODS.values()) | {"Everything measured is reached."}
    said |= {"variant", "published", "its own code", "here", "95 %", "seeds", "points", "reached",
             "macro-F1", "gap", "minutes", "side", "Nothing has been measured yet."}  # fmt: skip
    assert said == set(translations._CHINESE)
    for english, chinese in translations._CHINESE.items():
        places = [sorted(re.findall(r"{\w+}", text)) for text in (english, chinese)]
        assert places[0] == places[1], english
