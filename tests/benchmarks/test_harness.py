"""The harness of the benchmarks, and the --help of each one; no benchmark runs here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(FOLDER))

import growth  # noqa: E402
import harness  # noqa: E402
import pipeline  # noqa: E402
from harness import Option  # noqa: E402
from keras_clock import Clock, time_epochs  # noqa: E402

NOT_BENCHMARKS = {
    "cpu_time",
    "drift_models",
    "harness",
    "keras_clock",
    "planted_cues",
    "planted_labels",
    "process_memory",
    "recipe_scores",
    "search_replay_table",
    "tuning_curves",
}
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.stem not in NOT_BENCHMARKS)
CHILD = """
import json, sys, pathlib
task = json.loads(sys.argv[-1])
if task["fails"]:
    raise ValueError("the side is out of order")
log = pathlib.Path(task["log"])
log.write_text((log.read_text() if log.exists() else "") + task["side"])
print("something else")
print(json.dumps({"value": len(log.read_text()), "side": task["side"]}))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(CHILD)
    return path


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_benchmark_has_help_and_is_in_the_readme(path: Path) -> None:
    command = [sys.executable, "-X", "importtime", str(path), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--rounds" in done.stdout and "--out" in done.stdout
    assert not {"tensorflow", "torch"} & {line.split()[-1] for line in done.stderr.splitlines()}
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text("utf-8")


def test_no_benchmark_is_over_350_lines() -> None:
    long = {p.name: n for p in FOLDER.glob("*.py") if (n := len(p.read_text().splitlines())) > 350}
    assert not long


def test_sides_take_turns(script: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    tasks = {side: {"side": side, "log": str(log), "fails": False} for side in "ab"}
    runs = harness.run_in_turn(str(script), tasks, 2)
    assert log.read_text() == "abab"
    assert [run["value"] for run in runs["a"]] == [1, 3]
    assert all(run["load"] >= 0 for run in runs["b"])


def test_a_failed_side_ends_the_benchmark(script: Path) -> None:
    with pytest.raises(SystemExit, match=r"broken failed \(1\)(?s:.*)out of order"):
        harness.run_in_turn(str(script), {"broken": {"fails": True}}, 1)


def test_a_median_counts_a_missing_number_as_the_largest() -> None:
    runs = {
        "two of three": [{"s": 3.0, "epochs": [1]}, {"s": None, "epochs": [2]}, {"s": 1.0}],
        "one of three": [{"s": None, "name": "x"}, {"s": 1.0, "name": "x"}, {"s": None}],
    }
    for done in runs.values():
        done[2] = {**done[0], **done[2]}
    assert harness.medians(runs) == {
        "two of three": {"s": 3.0},
        "one of three": {"s": None, "name": "x"},
    }


def test_a_ratio_needs_both_sides() -> None:
    assert harness.ratio(3.0, 2.0) == 1.5
    assert harness.ratio(None, 2.0) is None
    assert harness.ratio(3.0, None) is None
    assert harness.ratio(3.0, 0.0) is None


def test_quick_changes_the_defaults() -> None:
    options = {"rows": Option(100, 5, "rows"), "seeds": Option([1, 2], [1], "seeds", many=True)}
    full = harness.parse_options("A benchmark.", options, [])
    assert (full.rows, full.seeds, full.rounds) == (100, [1, 2], 3)
    quick = harness.parse_options("A benchmark.", options, ["--quick", "--seeds", "7", "8"])
    assert (quick.rows, quick.seeds, quick.rounds) == (5, [7, 8], 1)


def test_a_rate_excludes_the_first_epoch_and_the_validation() -> None:
    clock = Clock(training=[9.0, 2.0, 3.0], ends=[20.0, 30.0, 40.0])
    assert clock.rate(10) == 20 / 5


def test_the_first_epoch_at_the_target_is_found() -> None:
    clock = Clock(logs=[{"val_accuracy": value} for value in (0.1, 0.5, 0.4, 0.6)])
    assert clock.reached("val_accuracy", 0.5) == 2
    assert clock.reached("val_accuracy", 0.7) is None


def test_the_clock_sees_every_epoch_of_a_fit() -> None:
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = np.zeros((8, 1), np.float32)
    original = keras.Model.fit
    with time_epochs() as clock:
        model.fit(rows, rows, epochs=2, validation_data=(rows, rows), verbose=0)
    assert keras.Model.fit is original
    assert len(clock.training) == len(clock.ends) == len(clock.logs) == 2
    assert 0 < clock.training[0] < clock.ends[0] < clock.ends[1]
    assert clock.logs[0].keys() == {"loss", "val_loss"}


def test_a_step_waits_only_for_a_late_batch() -> None:
    needed = {(0, 0): 0.0, (1, 0): 10.0, (1, 1): 13.0, (1, 2): 20.0, (2, 0): 30.0}
    prepared = {(0, 0): 5.0, (1, 0): 11.0, (1, 1): 12.0, (1, 2): 20.5}
    assert pipeline.waiting_seconds(needed, prepared) == [1.0, 0.0, 0.5]


def test_repeated_reviews_keep_their_words_but_differ() -> None:
    text = "the quick brown fox jumps over the lazy dog"
    random = np.random.default_rng(0)
    texts = [growth.changed(text, random) for _ in range(20)]
    assert all(len(one.split()) == 8 and set(one.split()) <= set(text.split()) for one in texts)
    assert text not in texts and len(set(texts)) > 10
    assert growth.changed("good", random) != "good"
