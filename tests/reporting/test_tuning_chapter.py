"""The page of a search: its sections, its charts, what is missing, and hostile texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import modelwright
from modelwright.core.errors import ConfigError, RunError
from modelwright.tuning.search_views import with_importance
from search_records import failed_trial, search_json, search_record, search_trials
from study_records import study_json, variant_json

SECTIONS = ["card", "best", "trials", "importance", "space", "lineage", "repeating"]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(content: dict[str, Any], lang: str = "en") -> str:
    """The page about a search with this record."""
    folder = Path("tunings/reviews")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tuning.json").write_text(json.dumps(content))
    return modelwright.report(folder, "page.html", lang, force=True).file.read_text("utf-8")


def shown(content: str, section: str) -> str:
    """The text of one section, with spaces for tags."""
    found = re.search(rf'<section id="{section}".*?</section>', content, re.DOTALL)
    assert found, section
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


@pytest.mark.usefixtures("inside")
def test_a_page_has_every_section_and_the_figures() -> None:
    trials = search_trials(20)
    record = with_importance(search_record(trials))
    content = page(record.to_dict())
    assert re.findall(r'<section id="([\w-]+)"', content) == SECTIONS
    card, best = shown(content, "card"), shown(content, "best")
    pruned = sum(one["state"] == "pruned" for one in trials)
    assert f"finished {20 - pruned}, pruned {pruned}" in card
    assert "The test rows chose nothing" in card and "accuracy on the validation rows" in card
    assert record.best is not None
    assert f"{100 * record.best.objective:.2f} %, standard error 0.69 %" in best
    assert "train.learning_rate" in best and " 0.001 " in best  # the value of the base
    assert "model.units" in best and " [64, 32] " in best and " lstm " in best  # its defaults too
    numbers = re.findall(r"<td[^>]*>(\d+)</td><td[^>]*>(?:finished|pruned)", content)
    assert sorted(map(int, numbers)) == list(range(20)) or len(shown(content, "trials")) > 500
    assert "train.learning_rate" in shown(content, "importance")
    assert "modelwright compare tunings/reviews/search-check.toml" in shown(content, "repeating")
    assert "modelwright train --recipe tunings/reviews/best.toml" in shown(content, "repeating")
    # One chart of all trials, one of importance, one for each dimension; each says what it shows.
    assert content.count("<svg") == content.count("<desc>") == 2 + 5
    assert "<desc></desc>" not in content


@pytest.mark.usefixtures("inside")
def test_limits_have_a_front() -> None:
    limits = {"max_latency": 3.5, "max_size": 6.0}
    content = page(search_json(search_trials(9), search=limits, pareto=[3, 4]))
    assert re.findall(r'<section id="([\w-]+)"', content) == [*SECTIONS[:3], "front", *SECTIONS[3:]]
    assert "latency at most 3.5 ms a row, size at most 6 MiB" in shown(content, "card")
    assert "ms a row" in shown(content, "trials") and "MiB" in shown(content, "trials")
    assert 'class="ring"' in content and "within the limits" in shown(content, "front")
    assert "Nothing was measured: not measured yet." in shown(content, "importance")


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("objective", ["macro_f1", "val_loss"])
def test_a_search_without_a_result_and_each_objective(lang: str, objective: str) -> None:
    running = {"number": 1, "values": search_trials(1)[0]["values"], "epochs": [0.5]}
    failed = [failed_trial(number, f"killed {number}") for number in range(2, 9)]
    for trials in ([], [running, *failed], search_trials(1), search_trials(12)):
        changes: dict[str, Any] = {"status": "failed" if trials == [] else "stopped"}
        content = page(search_json(trials, search={"objective": objective}, **changes), lang)
        assert re.findall(r'<section id="([\w-]+)"', content) == SECTIONS
    content = page(search_json([running, *failed], reason="three failures"), lang)
    card = shown(content, "card")
    assert "killed 2" in card and "killed 8" not in card and "three failures" in card


@pytest.mark.usefixtures("inside")
def test_hostile_names_are_shown_as_text() -> None:
    evil = "<script>alert(1)</script>"
    trials = [*search_trials(3), failed_trial(3, evil)]
    for one in trials:
        one["values"]["model.cell"] = evil
    dimensions = [{"key": "model.cell", "kind": "choice", "choices": ["lstm", evil]}]
    content = page(search_json(trials, name=evil, dimensions=dimensions, notes=[evil]))
    assert evil not in content and "&lt;script&gt;alert(1)" in content


@pytest.mark.usefixtures("inside")
def test_a_diverged_trial_is_at_the_edge_and_it_says_so() -> None:
    trials = search_trials(9)
    trials[0]["objective"] = -50.0
    assert "Far worse trials, drawn at the edge: 1." in shown(page(search_json(trials)), "trials")


@pytest.mark.usefixtures("inside")
def test_a_search_and_a_study_in_one_report() -> None:
    page(search_json(search_trials(3)))
    Path("study.json").write_text(json.dumps(study_json(variant_json("a", 0.85))))
    written = modelwright.report(["tunings/reviews", "study.json"], "both.html")
    content = written.file.read_text("utf-8")
    assert 'id="part-1"' in content and 'id="part-2-figures"' in content
    assert written.missing == ()


@pytest.mark.usefixtures("inside")
def test_a_torn_record_is_an_error_of_one_line() -> None:
    folder = Path("tunings/torn")
    folder.mkdir(parents=True)
    (folder / "tuning.json").write_text('{"kind": "search", "format": 1}')
    with pytest.raises(RunError, match="is not a search as modelwright tune writes it"):
        modelwright.report(folder)
    (folder / "tuning.json").write_text('{"kind": "search", "format": 9}')
    with pytest.raises(RunError, match="has format 9"):
        modelwright.report(folder)
    (folder / "tuning.json").write_text('{"kind": "other"}')
    with pytest.raises(RunError, match="is no study, no search and no stream"):
        modelwright.report(folder)
    with pytest.raises(ConfigError, match="a study, a search or a stream"):
        modelwright.report("tunings/none")


@pytest.mark.usefixtures("inside")
def test_very_many_trials_stay_small_and_it_says_so() -> None:
    content = page(search_json(search_trials(3000)))
    assert len(content) < 1_500_000
    trials = shown(content, "trials")
    assert "Only the best 500 of 3000 trials are drawn." in trials
    assert "The first 500 of 3000." in trials
