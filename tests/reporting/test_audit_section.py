"""The suspects of an audit on the page of a model: which audit, which rows, and hostile content."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import modelwright
from kept_runs import EVIL, evaluate_kept_run, make_kept_run, write_reviews
from modelwright.auditing.report import AuditedRow, AuditReport, Duplicates, Suspect
from modelwright.core.errors import ConfigError
from modelwright.data.dropped_rows import hex_digests
from modelwright.data.load import load_data
from modelwright.reporting.find_audit import with_audit
from modelwright.reporting.subject import read_run_subject
from modelwright.runs.run import Run
from sample_data import write_images


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    made = make_kept_run(Path("runs/reviews"), write_reviews(Path("reviews.csv")))
    evaluate_kept_run(made)
    return made


def write_audit(folder: Path, run: Run, rows: int = 3, source: str = "", **changes: str) -> Path:
    """Writes an audit whose suspects are the first rows of each split of a run."""
    data = load_data(run.config.data)
    suspects = []
    for name, split in data.splits.items():
        assert split.digests is not None
        for row, digest in enumerate(hex_digests(split.digests[:rows])):
            label = data.labels[split.labels[row]]
            found = AuditedRow(split.inputs.origin(row), label, name, digest, f"beginning {row}")
            other = next(one for one in data.labels if one != label)
            suspects.append(Suspect(found, changes.get("suggested", other), 0.125, "model"))
    if suspects:
        suspects[0] = Suspect(suspects[0].row, suspects[0].suggested, None, "conflict")
    groups = (Duplicates("near", 0.8, tuple(one.row for one in suspects[:2])),)
    report = AuditReport(
        out=folder, status="finished", source=source or data.source, rows=60, labels=data.labels,
        recipe="text-fast", folds=5, folds_done=5, seconds=1.0, rejected=0, judged=60,
        accuracy=0.9, noise=0.05, suspects=tuple(suspects), duplicates=groups, conflicts=groups,
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "audit.json").write_text(json.dumps(report.to_dict()), "utf-8")
    return folder


def section(content: str) -> str:
    found = re.search(r'<section id="[\w-]*suspects".*?</section>', content, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def page(run: Run, lang: str = "en", **options: Path) -> str:
    written = modelwright.report(run.path, "page.html", lang, force=True, **options)  # type: ignore[arg-type]
    return written.file.read_text("utf-8")


def test_without_an_audit_there_is_no_section(run: Run) -> None:
    assert "Suspicious labels" not in page(run)


def test_the_suspects_of_the_data_are_on_the_page(run: Run) -> None:
    write_audit(Path("audits/reviews"), run)
    shown = section(page(run))
    assert "audit audits/reviews" in shown
    assert "suspicious rows 6" in shown
    assert "training 3, test 3" in shown
    assert "accuracy on held-out folds 90.00 %" in shown
    assert "0 exact, 1 near, 0 of them across splits" in shown
    assert f"audits{os.sep}reviews{os.sep}suspects.csv" in shown
    assert "the same content has another label too" in shown
    assert "a model that did not see the row disagrees" in shown
    assert "0.125" in shown and "--audit names another" in shown
    # The texts are those of the data, not the beginnings that the audit kept.
    assert "beginning" not in shown
    first = load_data(run.config.data).splits["train"].inputs.take([0])[0]  # type: ignore[arg-type]
    assert first in shown
    chinese = section(page(run, "zh"))
    assert "可疑样本数 6" in chinese and "没有见过该样本的模型不同意" in chinese
    assert "disagrees" not in chinese


def test_an_audit_of_other_rows_is_not_taken(run: Run) -> None:
    other = make_kept_run(Path("elsewhere/other"), write_reviews(Path("other.csv"), ("a", "b")))
    write_audit(Path("audits/other"), other, source="reviews.csv")
    subject = read_run_subject(run.path)
    assert with_audit(subject).audit is None
    newer = write_audit(Path("audits/a-copy"), run, source="a copy of it")
    found = with_audit(subject).audit
    assert found is not None and (found.folder, found.chosen) == (newer, "found")
    named = with_audit(subject, Path("audits/other")).audit
    assert named is not None and named.chosen == "named"
    assert named.counts == {"train": 0, "test": 0}


def test_the_newest_audit_is_taken_and_the_dropped_one_before_it(run: Run) -> None:
    old, new = write_audit(Path("audits/b"), run), write_audit(Path("audits/a"), run)
    os.utime(old / "audit.json", (1, 1))
    subject = read_run_subject(run.path)
    found = with_audit(subject).audit
    assert found is not None and found.folder == new
    data = subject.config.data.model_copy(update={"drop": str(old / "suspects.csv")})
    changed = subject.config.model_copy(update={"data": data})
    dropped = with_audit(replace(subject, config=changed))
    assert dropped.audit is not None
    assert (dropped.audit.folder, dropped.audit.chosen) == (old, "dropped")


def test_without_the_data_the_kept_beginnings_are_shown(run: Run) -> None:
    write_audit(Path("audits/reviews"), run)
    Path("reviews.csv").unlink()
    shown = section(page(run))
    assert "beginning 0" in shown
    assert "not known, because the data cannot be read now" in shown
    assert "by the name of its data" in shown


def test_hostile_labels_and_texts_are_text(run: Run) -> None:
    write_audit(Path("audits/reviews"), run, suggested=EVIL)
    content = page(run)
    assert "<script>document" not in content
    assert "&lt;script&gt;document.title" in content


@pytest.mark.parametrize("content", ["{", "[]", '{"source": "reviews.csv", "rows": "many"}'])
def test_a_damaged_audit_is_said_and_the_page_comes(run: Run, content: str) -> None:
    folder = Path("audits/reviews")
    folder.mkdir(parents=True)
    (folder / "audit.json").write_text(content, "utf-8")
    written = modelwright.report(run.path, "page.html")
    assert any("audit.json" in line for line in written.missing)
    with pytest.raises(ConfigError, match=r"--audit was given audits/reviews, which is not"):
        modelwright.report(run.path, "page.html", force=True, audit=folder)


def test_an_audit_that_is_not_there_is_refused(
    run: Run, cli: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = cli("report", str(run.path), "--audit", "nowhere")
    assert code == 2
    assert "--audit was given nowhere" in err and "modelwright audit" in err


def test_a_clean_audit_says_so(run: Run) -> None:
    write_audit(Path("audits/reviews"), run, rows=0)
    assert "No label is suspicious." in section(page(run))


def test_suspicious_images_are_small_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_images(tmp_path / "images", 10, side=8)
    made = make_kept_run(Path("runs/images"), source, recipe="cnn-tutorial")
    write_audit(Path("audits/images"), made, rows=1)
    content = page(made)
    found = re.search(r'<section id="[\w-]*suspects".*?</section>', content, re.DOTALL)
    assert found and found[0].count("data:image/png;base64,") == 3
    assert ", perhaps " in section(content)
