"""Drift on the page of a model: each test, which model a file is about, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from kept_runs import EVIL, evaluate_kept_run, export_kept_run, make_kept_run, write_reviews
from modelwright.core.errors import ConfigError
from modelwright.core.metrics import compute_metrics
from modelwright.monitoring.accuracy import LabeledRows
from modelwright.monitoring.calibration import Calibrated
from modelwright.monitoring.compare import Comparison
from modelwright.monitoring.count_shift import CLASSES
from modelwright.monitoring.drift_report import DriftReport
from modelwright.monitoring.feature_shift import FEATURES
from modelwright.monitoring.label_shift import ClassShare
from modelwright.monitoring.quantities import QUANTITIES
from modelwright.monitoring.shift_test import ShiftTest
from modelwright.monitoring.word_shift import WORDS
from modelwright.reporting import drift_section
from modelwright.reporting.translations import CHINESE

Cli = Callable[..., tuple[int, str, str]]
TEXTS = (CLASSES, *QUANTITIES["text"], WORDS)
WORSE = (-0.3, -0.2)
MODEL = Path("models/reviews/1")


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a servable in an empty current folder; its run is not there."""
    monkeypatch.chdir(tmp_path)
    run = make_kept_run(Path("elsewhere/reviews"), write_reviews(Path("reviews.csv")))
    return export_kept_run(run, Path("models/reviews/1"))


def labeled(difference: tuple[float, float] = WORSE) -> LabeledRows:
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]], np.float32)
    metrics = compute_metrics(chances, np.array([0, 1, 1, 0]))
    return LabeledRows(metrics, 0.9133, 0.9116, (0.89, 0.93), difference)


def drift_report(about: Path | str = "models/reviews/1", **changes: Any) -> DriftReport:
    """A comparison in which the words of the texts differ."""
    tests = tuple(
        ShiftTest(name, "distance", Calibrated(0.25 if name == WORDS else 0.01, 0.0625, 0.5),
                  f"finding of {name}")
        for name in TEXTS
    )  # fmt: skip
    shares = (
        ClassShare("neg", 0.43, 0.636, 0.596, 0.687),
        ClassShare("pos", 0.57, 0.364, 0.3, 0.41),
    )
    return replace(
        DriftReport(
            Path(about), "text", "hotels.csv", 5000, 10_000, 392, "test", "recorded in it",
            Comparison(tests, {FEATURES: "no such layer"}), shares, labeled(),
            ("columns: text from 'text'",),
        ),
        **changes,
    )  # fmt: skip


def write(report: DriftReport, name: str = "drift.json") -> Path:
    file = Path(name)
    file.write_text(json.dumps(report.to_dict()), "utf-8")
    return file


def page(*drift: Path, places: Sequence[Path] = (MODEL,), lang: str = "en") -> str:
    written = modelwright.report(places, "page.html", lang, force=True, drift=drift)
    return written.file.read_text("utf-8")


def shown(content: str, section: str = "drift") -> str:
    found = re.search(rf'<section id="{section}".*?</section>', content, re.DOTALL)
    assert found, section
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def test_each_test_is_on_the_page_with_its_finding() -> None:
    content = page(write(drift_report()))
    drift = shown(content)
    assert "drifted yes, in words" in drift and "new rows 5,000 of 10,000" in drift
    assert "reference test rows 392" in drift and "features no such layer" in drift
    assert (
        "words: in how many texts each frequent word is yes 0.250 0.062 finding of words" in drift
    )
    assert "length: characters of a text no 0.010 0.062 finding of length" in drift
    assert "neg 63.60 % 59.60 to 68.70 43.00 %" in drift
    assert "That is in doubt, because these tests found a difference, too: words." in drift
    assert "accuracy 75.00 %" in drift and "worse: -30.00 to -20.00 points" in drift
    assert "0.7333" in drift and "0.8900 to 0.9300" in drift
    card = shown(content, "card")
    assert "New data differs from the rows behind the figures here: hotels.csv, in words." in card
    assert "The accuracy is lower on new data: 75.00 % on hotels.csv." in card
    assert "<svg" in re.findall(r'<section id="drift".*?</section>', content, re.DOTALL)[0]
    assert 'id="drift"' not in page()


def test_the_chinese_section_marks_recorded_sentences_as_english() -> None:
    content = page(write(drift_report()), lang="zh")
    found = re.search(r'<section id="drift".*?</section>', content, re.DOTALL)
    assert found
    assert '<bdi lang="en">finding of words</bdi>' in found[0]
    rest = re.sub(r'<bdi lang="en">.*?</bdi>|aria-label="[^"]*"', "", found[0])
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", re.sub(r"<[^>]+>", " | ", rest))
    assert "words：各常用词出现在多少条文本中" in content and "变差" in content


def test_all_tests_that_there_are_have_a_description_in_both_languages() -> None:
    known = {CLASSES, WORDS, FEATURES, *QUANTITIES["text"], *QUANTITIES["image"]}
    assert known == drift_section._COMPARED.keys()
    assert set(drift_section._COMPARED.values()) <= CHINESE.keys()
    assert {"worse", "better", "no clear difference"} <= CHINESE.keys()


def test_silence_and_a_fall_of_the_accuracy_alone() -> None:
    silent = Comparison((ShiftTest("size", "", Calibrated(0.0, 0.1, 1.0), "as large"),), {})
    quiet = drift_report(comparison=silent, class_shares=(), labeled=None, total=5000)
    drift = shown(page(write(quiet)))
    assert "no test found a difference" in drift and "new rows 5,000 reference" in drift
    worse = drift_report(comparison=silent, class_shares=())
    assert "labels may have another meaning now" in shown(page(write(worse)))
    better = drift_report(comparison=silent, labeled=labeled((-0.1, 0.1)))
    content = page(write(better))
    assert "no clear difference: -10.00 to +10.00 points" in shown(content)
    assert "The accuracy is lower" not in shown(content, "card")


def test_several_comparisons_each_in_the_chapter_of_its_model(model: Path) -> None:
    shutil.copytree(model, "models/other/7")
    first = write(drift_report(), "a.json")
    second = write(drift_report(source="fruit.csv"), "b.json")
    third = write(drift_report("models/other/7", source="books.csv"), "c.json")
    content = page(first, second, third, places=[model, Path("models/other")])
    parts = content.split('<article id="part-')
    assert "hotels.csv" in parts[1] and "fruit.csv" in parts[1] and "books.csv" not in parts[1]
    assert "books.csv" in parts[2] and "hotels.csv" not in parts[2]
    with pytest.raises(ConfigError, match=r"is about models/other/7; the report is about models"):
        page(third)


def test_a_moved_model_is_known_by_its_name_and_a_run_by_its_folder() -> None:
    file = write(drift_report("/srv/models/reviews/1"))
    assert "yes, in words" in shown(page(file))
    with pytest.raises(ConfigError, match="is about /srv/models/reviews/2"):
        page(write(drift_report("/srv/models/reviews/2")))
    run = Path("elsewhere/reviews")
    evaluate_kept_run(make_kept_run(Path("runs/again"), Path("reviews.csv")))
    assert "yes, in words" in shown(page(write(drift_report(run)), places=[run]))
    with pytest.raises(ConfigError, match=r"the report is about runs/again\. .* drift runs/again"):
        page(write(drift_report(run)), places=[Path("runs/again")])


def test_hostile_texts_are_shown_as_text() -> None:
    words = ShiftTest(EVIL, EVIL, Calibrated(1.0, 0.5, 0.0), EVIL)
    evil = drift_report(
        comparison=Comparison((words,), {EVIL: EVIL}), source=EVIL, notes=(EVIL,),
        class_shares=(ClassShare(EVIL, 0.5, 1.0, 0.9, 1.0),),
    )  # fmt: skip
    for lang in ("en", "zh"):
        content = page(write(evil), lang=lang)
        assert EVIL not in content and "&lt;script&gt;document" in content


def test_what_is_no_result_is_refused_in_one_line(cli: Cli) -> None:
    good = json.dumps(drift_report().to_dict())
    cases = {
        "torn.json": (good[:300], "which is not the result of modelwright drift ("),
        "list.json": ("[]", "Input should be a valid dictionary"),
        "study.json": ('{"kind": "study"}', "model: Field required"),
        "number.json": (good.replace("0.25", '"much"'), "tests.4.statistic: Input should be"),
        "endless.json": (good.replace("0.25", "Infinity"), "should be a finite number"),
    }
    for name, (text, said) in cases.items():
        Path(name).write_text(text)
        status, out, err = cli("report", "models/reviews", "--drift", name, "-o", "x.html", "-q")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert said in err and f"--drift was given {name}" in err
    status, _, err = cli("report", "models/reviews", "--drift", "gone.json", "-o", "x.html", "-q")
    assert status == 2 and "No such file" in err
    file = write(drift_report())
    status, _, err = cli("report", file, "-o", "x.html", "-q")
    assert status == 2 and "give the file as --drift drift.json" in err
    assert not Path("x.html").exists()
    arguments = ("--drift", file, "--drift", file, "--json", "-o", "x.html")
    assert cli("report", "models/reviews", *arguments)[0] == 0
    assert Path("x.html").read_text("utf-8").count("finding of length") == 1
