"""An update from end to end: what is written, what it comes from, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as paparquet
import pytest
import small_strategies
from new_texts import BAD, GOOD, new_rows

import modelwright
from modelwright.core.errors import ConfigError, DataError, ServableError
from modelwright.core.files import sha256_tree
from modelwright.core.folders import kind_of
from modelwright.servable.manifest import read_manifest
from modelwright.servable.versions import rollback, versions
from modelwright.updating.update import update
from sample_data import write_csv

Cli = Callable[..., tuple[int, str, str]]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("strategies", "export_in_process")]


def rows_file(folder: Path, rows: list[Any]) -> Path:
    return write_csv(folder / "rows.csv", rows, ("text", "label"))


def test_a_written_version_knows_the_new_words_and_where_it_comes_from(
    updated: Path, reviews: Path
) -> None:
    before, after = modelwright.load(updated / "1"), modelwright.load(updated)
    asked = [f"电影 {word}" for word in (*GOOD, *BAD)]
    wanted = ["pos"] * 4 + ["neg"] * 4
    assert [one.label for one in after.predict(asked)] == wanted
    assert [one.label for one in before.predict(asked)] != wanted
    assert [one.label for one in after.predict(["wonderful", "很差"])] == ["pos", "neg"]

    lineage = read_manifest(updated / "2").lineage
    assert (lineage["parent"], lineage["ancestors"]) == (1, [1])
    assert lineage["strategy"] in ("fitted", "forgetful", "counting")
    assert lineage["gate"]["new"]["interval"][0] > 0
    assert set(lineage["fingerprints"]) == {"parent", "new", "old"}
    assert lineage["tokens"]["after"] > lineage["tokens"]["before"]
    assert read_manifest(updated / "1").lineage == {}
    listed = versions(updated)
    assert [one["version"] for one in listed.versions] == [2, 1]
    shown = " ".join(listed.render().split())
    assert f"updated from 1 by {lineage['strategy']}" in shown
    assert set(modelwright.verify(updated / "2").engines) == {"savedmodel", "onnx"}


def test_a_report_shows_the_lineage_the_gate_and_the_candidates(
    updated: Path, tmp_path: Path
) -> None:
    written = modelwright.report(updated / "2", tmp_path / "page.html")
    content = written.file.read_text("utf-8")
    lineage = read_manifest(updated / "2").lineage
    for text in (
        f"{lineage['gate']['new']['after']:.4f}",
        lineage["fingerprints"]["new"],
        "All strategies that were tried",
        f"modelwright update {updated / '1'} --data",
    ):
        assert text in content
    assert "is damaged" not in content
    assert not any("is not here" in line for line in written.missing)


def test_the_memory_lies_beside_the_versions_and_holds_a_bounded_choice(updated: Path) -> None:
    memory = updated / ".memory"
    record = json.loads((memory / "memory.json").read_text("utf-8"))
    table = paparquet.read_table(memory / "rows.parquet")
    roles = table.column("role").to_pylist()
    counts = {role: roles.count(role) for role in ("exemplar", "val", "test")}
    assert record["rows"] == counts
    assert record["version"] == 2
    assert all(counts.values())
    assert sorted(set(table.column("version").to_pylist())) == [1, 2]
    trained = [row for row in table.to_pylist() if row["role"] == "exemplar"]
    assert all(len(row["outputs"]) == 2 for row in trained)
    assert not {row["content"] for row in trained} & {
        row["content"] for row in table.to_pylist() if row["role"] != "exemplar"
    }
    assert not list((updated / "2").rglob("*memory*"))
    assert kind_of(updated) == "model"
    assert not (memory / "work").exists()
    assert not (memory / "next").exists()
    assert kind_of(memory / "updates" / "2") == "run"


def test_a_run_of_the_version_can_be_evaluated_exported_and_rebuilt(
    updated: Path, tmp_path: Path
) -> None:
    from modelwright.runs.run import load_run
    from modelwright.updating.rebuild import rebuild_version

    run = load_run(updated / ".memory" / "updates" / "2")
    assert modelwright.evaluate(run.path, split="val").metrics.accuracy > 0.9
    rebuilt = rebuild_version(updated, 2)
    for ours, theirs in zip(rebuilt.weights, run.network().weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-6)


def test_an_update_of_an_update_uses_the_memory_alone(
    updated: Path, tmp_path: Path, cli: Cli
) -> None:
    model = Path(shutil.copytree(updated, tmp_path / "sentiment"))
    words = (["leaky", "漏水"], ["silent", "安静"])
    third = rows_file(tmp_path, new_rows(300, 3, words))
    code, out, err = cli(
        "update",
        model,
        "--data",
        third,
        "--max-drop",
        20,
        "--max-class-drop",
        20,
        "--strategy",
        "counting",
        "--memory",
        50,
        "--json",
    )
    report = json.loads(out)
    assert (code, report["written"], report["version"]) == (0, True, 3), err
    assert report["strategy"] == "counting"
    assert report["old"].keys() >= {"before", "after", "interval"}
    assert report["new"]["after"] > report["new"]["before"]
    assert "from the memory" in report["notes"][0]
    assert report["next"].startswith(f"modelwright rollback {model}")
    [tried] = report["candidates"]
    assert tried.keys() == {"name", "old", "new", "passed", "reason", "seconds"}
    assert read_manifest(model / "3").lineage["ancestors"] == [1, 2]

    # After a rollback, rows of the withdrawn version are not held against the one before.
    rollback(model, to=2)
    again = update(model, third, max_drop=20, max_class_drop=20, strategy="useless", dry_run=True)
    assert again.parent == 2
    assert not again.passed
    # The state of the one before is gone, though, and that is said.
    kept = len(read_memory_rows(model, "exemplar", before=3))
    assert any(note.startswith(f"rebuilt from {kept} kept examples") for note in again.notes)
    assert not any("rebuilt from" in note for note in report["notes"])


def read_memory_rows(model: Path, role: str, before: int) -> list[dict[str, Any]]:
    rows = paparquet.read_table(model / ".memory" / "rows.parquet").to_pylist()
    return [one for one in rows if one["role"] == role and one["version"] < before]


def test_a_changed_servable_or_memory_is_refused(
    model: Path, updated: Path, new_reviews: Path, tmp_path: Path
) -> None:
    (model / "1" / "modelwright.json").write_text(
        (model / "1" / "modelwright.json").read_text("utf-8").replace('"format": 1', '"format": 9'),
        "utf-8",
    )
    with pytest.raises(ServableError, match="format 9"):
        update(model, new_reviews)
    other = Path(shutil.copytree(updated, tmp_path / "other"))
    path = other / ".memory" / "rows.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ServableError, match=r"rows\.parquet has changed"):
        update(other, new_reviews)


def test_without_a_memory_no_row_is_kept_and_no_strategy_sees_an_example(
    model: Path, new_reviews: Path
) -> None:
    report = update(model, new_reviews, max_drop=90, max_class_drop=90, memory=0)
    reasons = {one.name: one.reason for one in report.candidates}
    assert "the memory keeps none" in reasons["fitted"]
    assert report.written, report.reason
    assert not list((model / ".memory").rglob("*.parquet"))
    assert np.load(model / ".memory" / "seen.npy").size == 0
    with pytest.raises(DataError, match="--old-data"):
        update(model, new_reviews, memory=0)


def test_a_killed_update_goes_on_with_the_next_candidate(
    model: Path, new_reviews: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = Path(shutil.copytree(model, tmp_path / "whole"))
    expected = update(whole, new_reviews, max_drop=20, max_class_drop=20)

    def killed(lesson: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(small_strategies.FITTED, "learn", killed)
        with pytest.raises(KeyboardInterrupt):
            update(model, new_reviews, max_drop=20, max_class_drop=20)
    assert sorted(one.name for one in model.iterdir()) == [".memory", "1"]
    with pytest.raises(ConfigError, match="differs in: seed"):
        update(model, new_reviews, max_drop=20, max_class_drop=20, seed=2, resume=True)
    before = small_strategies.FORGETFUL.learned
    report = update(model, new_reviews, max_drop=20, max_class_drop=20, resume=True)
    assert small_strategies.FORGETFUL.learned == before
    assert (report.strategy, report.old, report.new) == (
        expected.strategy, expected.old, expected.new,
    )  # fmt: skip
    ours = modelwright.load(model).predict(["酒店 结实", "flimsy"])
    theirs = modelwright.load(whole).predict(["酒店 结实", "flimsy"])
    assert [one.probabilities for one in ours] == [one.probabilities for one in theirs]


def test_an_update_killed_after_its_version_was_written_is_finished(
    model: Path, new_reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.updating import write_version

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(write_version, "place_memory", killed)
        with pytest.raises(SystemExit):
            update(model, new_reviews, max_drop=20, max_class_drop=20, strategy="fitted")
    assert (model / "2").is_dir()
    assert not (model / ".memory" / "memory.json").exists()
    report = update(
        model, new_reviews, max_drop=20, max_class_drop=20, strategy="fitted", resume=True
    )
    assert (report.written, report.version) == (True, 2)
    assert json.loads((model / ".memory" / "memory.json").read_text())["version"] == 2
    assert not (model / "3").exists()


def test_an_update_without_a_memory_that_is_killed_before_the_end_leaves_no_row(
    model: Path, new_reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.updating import write_version

    def killed(*_: object) -> None:
        raise SystemExit

    def run(**options: Any) -> Any:
        return update(model, new_reviews, max_drop=90, max_class_drop=90, strategy="forgetful",
                      memory=0, **options)  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr(write_version, "place_memory", killed)
        with pytest.raises(SystemExit):
            run()
    assert list((model / ".memory").rglob("rows.parquet"))
    report = run(resume=True)
    assert (report.written, report.version) == (True, 2)
    left = {one.name for one in (model / ".memory").rglob("*") if one.is_file()}
    assert left == {"counting.npz", "lock", "memory.json", "seen.npy", "update.json"}


def test_a_run_learns_too_and_gets_a_new_run_beside_it(
    text_run: Path, new_reviews: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(text_run, tmp_path / "reviews"))
    before = sha256_tree(run)
    report = update(run, new_reviews, max_drop=20, max_class_drop=20, strategy="fitted")
    assert report.path == tmp_path / "reviews-2"
    assert sha256_tree(run) == before
    assert (report.path / ".memory" / "rows.parquet").is_file()
    assert modelwright.evaluate(report.path).metrics.accuracy > 0.9
    again = update(report.path, new_reviews, strategy="fitted")
    assert "nothing new" in again.reason
    assert again.parent == 2
