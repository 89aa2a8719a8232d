"""An audit from rows to files: planted mistakes come up, and a stopped audit goes on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from modelwright.auditing import cross_validation, packages
from modelwright.auditing.work_folder import WorkFolder
from modelwright.core.errors import (
    ConfigError,
    DataError,
    MissingDependencyError,
)
from sample_data import sentences, write_csv, write_images
from tiny_backbone import use_tiny_backbone

for _name in ("cleanlab", "datasketch", "imagehash"):
    pytest.importorskip(_name)

Cli = Callable[..., tuple[int, str, str]]
_WRONG = (33, 64)
_CONFLICT = "=1+1 the film is what it is"


def noisy_rows() -> list[tuple[str, str]]:
    """125 rows: two with a wrong label, one text under both labels, a near and an exact copy."""
    rows = sentences(120)
    for at in _WRONG:
        words = "wonderful brilliant 很好" if at % 2 else "delightful 喜欢 推荐"
        rows[at] = (f"{words} {at}", "neg")
    long = "a long review that says the wonderful room was clean and the bed was soft and warm"
    return [
        *rows,
        (_CONFLICT, "pos"),
        (_CONFLICT, "neg"),
        (long, "pos"),
        (f"{long} indeed", "pos"),
        (rows[3][0], rows[3][1]),
    ]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A table of noisy rows, and the report of its audit."""
    folder = tmp_path_factory.mktemp("audited")
    data = write_csv(folder / "noisy.csv", noisy_rows(), ("text", "label"))
    report = modelwright.audit(data, out=folder / "out", folds=4)
    return data, report


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_planted_mistakes_come_up(audited: tuple[Path, Any]) -> None:
    report = audited[1]
    origins = {suspect.row.origin: suspect for suspect in report.suspects}
    for at in _WRONG:
        suspect = origins[f"noisy.csv row {at + 2}"]
        assert (suspect.row.label, suspect.suggested, suspect.reason) == ("neg", "pos", "model")
    scores = [suspect.score for suspect in report.suspects]
    assert scores == sorted(scores)
    assert (report.recipe, report.rows, report.judged) == ("text-fast", 125, 125)
    assert any("text-fast was taken, because the rows are texts" in one for one in report.notes)


def test_a_text_under_both_labels_comes_up_twice(audited: tuple[Path, Any]) -> None:
    report = audited[1]
    assert [[row.label for row in one.rows] for one in report.conflicts] == [["pos", "neg"]]
    both = [one for one in report.suspects if one.row.origin.endswith((" 122", " 123"))]
    assert {(one.row.label, one.suggested) for one in both} == {("pos", "neg"), ("neg", "pos")}
    assert all("conflict" in one.reason for one in both)


def test_duplicates_are_grouped(audited: tuple[Path, Any]) -> None:
    found = {
        (one.kind, tuple(row.origin.rsplit(" ")[-1] for row in one.rows))
        for one in audited[1].duplicates
    }
    assert {("exact", ("5", "126")), ("exact", ("122", "123")), ("near", ("124", "125"))} <= found


def test_the_files_hold_what_the_report_says(audited: tuple[Path, Any]) -> None:
    report = audited[1]
    assert sorted(path.name for path in report.out.iterdir()) == sorted(report.files)
    written = json.loads((report.out / "audit.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(report.to_dict()))
    assert {"rows", "suspects", "duplicates"} <= written.keys()
    assert {"origin", "label", "suggested", "score"} <= written["suspects"][0].keys()
    listed = read(report.out / "suspects.csv")
    assert [row["origin"] for row in listed] == [one.row.origin for one in report.suspects]
    texts = {row["text"] for row in listed}
    assert f"'{_CONFLICT}" in texts
    assert not any(text.startswith("=") for text in texts)
    groups = {row["group"] for row in read(report.out / "duplicates.csv")}
    assert len(groups) == len(report.duplicates)
    with np.load(report.out / "probabilities.npz", allow_pickle=False) as stored:
        assert stored["probabilities"].sum(axis=1) == pytest.approx(np.ones(125), abs=1e-5)
        assert stored["origins"][0] == "noisy.csv row 2"


def test_the_report_is_shown(audited: tuple[Path, Any]) -> None:
    text = audited[1].render()
    assert "estimated wrong labels" in text
    assert "suspects, the first" in text
    assert "--drop" in text


def test_training_leaves_the_suspects_out_and_can_be_evaluated(
    audited: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    data, report = audited
    monkeypatch.chdir(tmp_path)
    drop = report.out / "suspects.csv"
    code, out, _ = cli(
        "train", data, "--drop", drop, "--out", "run", "--no-baselines", "-q", "--json"
    )
    assert code == 0
    assert any(
        "rows are left out, as suspects.csv lists them" in x for x in json.loads(out)["notes"]
    )
    record = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["data"]["dropped"]
    assert record["listed"] == len(report.suspects)
    assert record["dropped"] + record["kept_test_rows"] == len(report.suspects)
    code, out, _ = cli("evaluate", "run", "--no-baselines", "--json", "-q")
    assert code == 0
    kept = drop.read_text("utf-8")
    try:
        drop.write_text("\n".join(kept.split("\n")[:2]) + "\n", "utf-8")
        code, _, err = cli("evaluate", "run", "--no-baselines", "-q")
    finally:
        drop.write_text(kept, "utf-8")
    assert code == 3
    assert "changed since" in err


def test_a_list_of_rows_is_found_from_another_folder(
    audited: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.core.config import DataConfig
    from modelwright.runs.data_places import data_places, record_places

    (tmp_path / "old").mkdir()
    monkeypatch.chdir(tmp_path / "old")
    for name in ("rows.csv", "drop.csv"):
        (tmp_path / "old" / name).write_text("x")
    config = DataConfig(source="rows.csv", drop="drop.csv")
    record = {"places": record_places(config, Path("run"))}
    (tmp_path / "old" / "run").mkdir()
    (tmp_path / "old" / "run" / "run.json").write_text("{}")
    (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path)
    place = data_places(config, record, tmp_path / "new" / "run", None)[0]
    assert [Path(str(one)).exists() for one in (place.source, place.drop)] == [True, True]


def test_images_are_judged_by_features_of_a_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_backbone(monkeypatch, tmp_path / "cache")
    monkeypatch.setattr("modelwright.auditing.settings.why_no_backbone", lambda *_, **__: None)
    images = write_images(tmp_path / "images", 24, side=32)
    wrong = [
        (images / "green" / f"00{at}.png").rename(images / "blue" / f"wrong-{at}.png")
        for at in range(4)
    ]
    report = modelwright.audit(images, folds=3, out=tmp_path / "out")
    assert report.recipe == "pretrained"
    assert report.outlier_method == "neighbors"
    suspects = {one.row.path: one.suggested for one in report.suspects}
    assert {suspects.get(str(path)) for path in wrong} == {"green"}
    assert read(tmp_path / "out" / "suspects.csv")[0]["path"]
    assert (tmp_path / "out" / "suspects.png").stat().st_size > 1000


def test_a_stopped_audit_goes_on_with_the_folds_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    images = write_images(tmp_path / "images", 10, side=32)
    trained: list[int] = []

    def train(folder: Path, config: Any, data: Any, held: Any, progress: Any) -> np.ndarray:
        trained.append(len(held))
        if len(trained) == 2:
            raise KeyboardInterrupt
        assert {"train", "val"} >= set(data.splits)
        assert sum(map(len, data.splits.values())) + len(held) == 30
        answers = np.full((len(held), 3), 0.05, np.float32)
        answers[np.arange(len(held)), held.labels] = 0.9
        return answers

    monkeypatch.setattr(cross_validation, "train_fold", train)
    command = ("audit", images, "--recipe", "cnn", "--folds", 3, "--out", tmp_path / "out")
    code, out, _ = cli(*command, "-q")
    assert code == 130
    assert "cnn, 1 of 3 folds" in out
    assert "--recipe cnn --folds 3 --out" in " ".join(out.split())
    code, _, err = cli(*command[:4], "--folds", 2, *command[-2:], "-q")
    assert code == 2
    assert "holds a stopped audit with other settings (folds)" in err
    code, out, _ = cli(*command, "--json")
    assert code == 0
    assert len(trained) == 4
    report = json.loads(out)
    assert (report["accuracy"], report["suspects"], report["next"]) == (1.0, [], "")
    assert any("finished folds were kept" in note for note in report["notes"])
    assert not (tmp_path / "out" / "folds").exists()
    code, _, err = cli(*command, "-q")
    assert code == 2
    assert "exists and is not empty; choose another with --out" in err


@pytest.mark.slow
def test_any_other_recipe_is_trained_once_for_each_fold(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", 30)
    wrong = (images / "red" / "003.png").rename(images / "blue" / "wrong.png")
    report = modelwright.audit(
        images,
        recipe="cnn-tutorial",
        folds=2,
        settings={
            "model": {"filters": [4, 8], "units": 8},
            "train": {"epochs": 12, "batch_size": 8, "learning_rate": 0.01, "patience": 0},
        },
        out=tmp_path / "out",
    )
    assert str(wrong) in {one.row.path for one in report.suspects}
    assert report.outlier_method == "entropy"


def rows_of(tmp_path: Path, rows: list[tuple[str, str]]) -> Path:
    return write_csv(tmp_path / "rows.csv", rows, ("text", "label"))


@pytest.mark.parametrize("folds", [1, 0, -3, True, 2.5])
def test_folds_must_be_at_least_two(tmp_path: Path, folds: Any) -> None:
    with pytest.raises(ConfigError, match=f"--folds was given {folds}; expected an integer"):
        modelwright.audit(rows_of(tmp_path, sentences(20)), folds=folds, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rows", "folds", "message"),
    [
        (sentences(20), 21, "has 20 different rows, fewer than the 21 folds"),
        (sentences(3), 5, "has 3 different rows, fewer than the 5 folds"),
        ([("good", "pos")] * 9 + [("bad", "neg")] * 9, 3, "has 2 different rows"),
        ([(f"good {n}", "pos") for n in range(9)], 3, "has one class, 'pos'"),
        ([("good", "pos"), ("bad", "neg")], 2, "has 2 rows for 2 classes"),
    ],
)
def test_too_few_rows_or_classes(
    tmp_path: Path, rows: list[tuple[str, str]], folds: int, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        modelwright.audit(rows_of(tmp_path, rows), folds=folds, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rows_without_a_label_column(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text\ngood\nbad\n")
    with pytest.raises(DataError, match="label"):
        modelwright.audit(path, out=tmp_path / "out")


def test_rows_that_cannot_be_judged_or_read_are_counted(tmp_path: Path, cli: Cli) -> None:
    odd = [("why", "odd"), ("so strange", "rare"), ("how strange", "rare")]
    path = rows_of(tmp_path, [*sentences(40), *odd, ("", "pos"), ("no label", "")])
    code, out, _ = cli("audit", path, "--out", tmp_path / "out", "--folds", 4, "--json")
    assert code == 0
    report = json.loads(out)
    assert (report["rows"], report["judged"], report["rejected"]) == (43, 42, 2)
    notes = " ".join(report["notes"])
    assert "fewer different rows than folds: 'odd' (1), 'rare' (2)" in notes
    assert "which no model can judge: 1" in notes
    assert len(read(tmp_path / "out" / "rejected.csv")) == 2


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object:
        return None if name == "cleanlab" else object()

    monkeypatch.setattr(packages.util, "find_spec", find_spec)
    with pytest.raises(MissingDependencyError, match=r"cleanlab .* 'modelwright\[train,audit\]'"):
        modelwright.audit(rows_of(tmp_path, sentences(20)), out=tmp_path / "out")


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    path = rows_of(tmp_path, sentences(20))
    monkeypatch.setattr(Path, "mkdir", refuse)
    code, _, err = cli("audit", path, "--out", tmp_path / "out", "-q")
    assert code == 8
    assert "cannot be written: Permission denied" in err


@pytest.mark.parametrize("place", ["file", "full"])
def test_an_output_folder_in_use(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists and is not empty; choose another with --out"):
        WorkFolder(tmp_path / place, {"folds": 3})
    assert (tmp_path / "full" / "notes.txt").read_text() == "mine"


def test_a_torn_fold_is_trained_again(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "out", {"folds": 2})
    folder.write(0, np.ones((3, 2), np.float32))
    again = WorkFolder(tmp_path / "out", {"folds": 2})
    assert again.resumed
    assert again.read(0) is not None
    file = tmp_path / "out" / "folds" / "fold-1.npz"
    file.write_bytes(file.read_bytes()[:40])
    assert again.read(0) is None
    assert again.read(1) is None


def test_a_recipe_for_other_rows(tmp_path: Path, cli: Cli) -> None:
    path = rows_of(tmp_path, sentences(20))
    code, _, err = cli("audit", path, "--recipe", "cnn", "--out", tmp_path / "out", "-q")
    assert code == 2
    assert "recipe 'cnn' is for images" in err
    assert not (tmp_path / "out").exists()
