"""Tables of the results pages: written from kept JSON alone, in both languages."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_reproduce import NAME, SHARES, measured

from modelwright.core.errors import ConfigError, RunError
from modelwright.publish import pages, published_comparison, shipped_studies, timings
from modelwright.studies import translations

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


def write(folder: Path, name: str, record: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize("name", pages.PAGES)
def test_the_committed_pages_are_what_would_be_written(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert pages.fill(text, RESULTS, pages.PAGES[name]) == text, "modelwright reproduce --page"


def test_every_study_and_both_lists_have_their_place() -> None:
    for name in pages.PAGES:
        text = (ROOT / name).read_text("utf-8")
        for study in shipped_studies.names():
            assert f"<!-- table: {study} -->" in text
        assert "<!-- list: short -->" in text


def test_a_study_is_a_table_in_both_languages(tmp_path: Path) -> None:
    write(tmp_path, NAME, measured(shipped_studies.read(NAME), SHARES))
    english = pages.fill(mark(NAME), tmp_path, "en")
    chinese = pages.fill(mark(NAME), tmp_path, "zh")
    assert "| base | 78.50 % | 63.00 % | 79.00 % | 78.00 to 80.00 | 3 | +0.50 | yes |" in english
    assert "| base | 78.50 % | 63.00 % | 79.00 % | 78.00 至 80.00 | 3 | +0.50 | 是 |" in chinese
    for text in (english, chinese):
        for part in (NAME, "0, 1, 2", "AMD EPYC, 2 cores", "2026-11-24", "keras 3.15.1", "--again"):
            assert part in text
        assert text.startswith("before\n") and text.endswith("\nafter\n")
        assert pages.fill(text, tmp_path, "en" if text is english else "zh") == text
    assert len(english.splitlines()) == len(chinese.splitlines())


def test_other_settings_than_todays_are_said(tmp_path: Path) -> None:
    study = measured(shipped_studies.read(NAME), SHARES)
    study["variants"][0]["config"]["train"]["epochs"] = 7
    write(tmp_path, NAME, study)
    now = shipped_studies.read(NAME).variants[0].config(NAME, 0).train.epochs
    says = f"- other settings today: base: train.epochs 7 is now {now}"
    assert says in pages.fill(mark(NAME), tmp_path, "en")


def test_what_is_not_there_is_not_measured_yet(tmp_path: Path) -> None:
    for language, says in (("en", "Not measured yet."), ("zh", "尚未测量。")):
        for name in (NAME, "training"):
            lines = pages.fill(mark(name), tmp_path, language).splitlines()  # type: ignore[arg-type]
            assert lines[4] == says
            assert lines[2:7:4] == [f"<!-- table: {name} -->", "<!-- end -->"]


def test_the_list_of_what_falls_short_is_that_of_the_figures(tmp_path: Path) -> None:
    def listed() -> list[str]:
        text = pages.fill(mark("short", "list"), tmp_path, "en")
        return [line for line in text.splitlines()[3:-4] if line]

    assert listed() == ["Nothing has been measured yet."]
    write(tmp_path, NAME, measured(shipped_studies.read(NAME), SHARES))
    assert listed() == [
        f"- {NAME}, + dropout: 81.00 %, 0.20 points below the published 81.20 %; it lies within the"
        " interval",
        f"- {NAME}, + batch norm: 80.00 %, 3.10 points below the published 83.10 %",
    ]
    write(tmp_path, NAME, measured(shipped_studies.read(NAME), dict.fromkeys(SHARES, 0.9)))
    assert listed() == ["Of what has been measured, nothing."]


def test_the_published_figure_itself_is_reached() -> None:
    study = published_comparison.claiming(
        measured(shipped_studies.read(NAME), {**SHARES, "base": 0.785}), shipped_studies.read(NAME)
    )
    assert published_comparison.reached(study["variants"][0])
    assert not [line for line in published_comparison.short(study) if "base" in line]


def test_a_benchmark_is_a_table_of_its_medians(tmp_path: Path) -> None:
    write(tmp_path, "training", BENCHMARK)
    text = pages.fill(mark("training"), tmp_path, "en")
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
    assert "| 一方 | 行/秒 | 精度 |" in pages.fill(mark("training"), tmp_path, "zh")


def test_a_benchmark_that_is_kept_can_be_shown() -> None:
    record = json.loads((RESULTS / "loading.json").read_text("utf-8"))
    text = timings.markdown(record)
    assert "| keras iterated | 9,510 |" in text
    assert text.count("| side |") == 2


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("<!-- table: a -->\n", ConfigError, "1 marks begin on the page and 0 are whole"),
        ("<!-- table: a -->\n<!-- table: b -->\n<!-- end -->\n", ConfigError, "2 marks begin"),
        (mark("long", "list"), ConfigError, "'list: long' is unknown; known: short"),
        (mark("other"), RunError, "holds the study 'cifar10-table'; expected 'other'"),
        (mark("empty"), RunError, "is not as a benchmark writes it: KeyError 'machine'"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused(
    tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    write(tmp_path, "other", measured(shipped_studies.read(NAME), SHARES))
    write(tmp_path, "empty", {})
    with pytest.raises(error, match=re.escape(says)):
        pages.fill(text, tmp_path, "en")


def test_pages_are_written_only_where_they_changed(
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
    write(results, NAME, measured(shipped_studies.read(NAME), SHARES))
    code, out, _ = cli("reproduce", "--page", "--json")
    assert (code, json.loads(out)["written"]) == (0, ["docs/results.md"])
    code, out, _ = cli("reproduce", "--page")
    assert out == "as it was: docs/results.md\n"


def test_every_word_that_is_said_has_its_chinese() -> None:
    said = set()
    for module in (published_comparison, pages, timings):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                for value in ast.walk(node.args[0]):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        said.add(value.value)
    said |= {word for word, _ in timings._COLUMNS.values()}
    said |= set(published_comparison._METHODS.values()) | {"Of what has been measured, nothing."}
    said |= {"variant", "published", "its own code", "here", "95 %", "seeds", "points", "reached",
             "macro-F1", "gap", "minutes", "side", "Nothing has been measured yet."}  # fmt: skip
    assert said == set(translations._CHINESE)
    for english, chinese in translations._CHINESE.items():
        places = [sorted(re.findall(r"{\w+}", text)) for text in (english, chinese)]
        assert places[0] == places[1], english
