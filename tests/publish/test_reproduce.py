"""``modelwright reproduce``; only one test trains."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.publish import reproduce as reproducing
from modelwright.publish import shipped_studies
from modelwright.publish.finished_studies import outdated_reasons
from modelwright.publish.pages import PAGES
from modelwright.publish.published_comparison import with_current_claims
from modelwright.publish.shipped_studies import (
    quick_plan,
    read_shipped_study,
    shipped_study_names,
)
from modelwright.studies import compare
from modelwright.studies.plan import StudyPlan
from modelwright.studies.plan_file import read_study_plan
from modelwright.studies.study_record import StudyRecord
from sample_data import sentences, write_csv
from study_records import plan_json

Cli = Callable[..., tuple[int, str, str]]
NAME = "cifar10-table"
ACCURACIES = {"base": 0.79, "+ dropout": 0.81, "+ batch norm": 0.80, "+ augmentation": 0.86}


class FakeCompare:
    """Replaces ``compare``: records its arguments and trains nothing."""

    def __init__(self, **changes: Any) -> None:
        self.plans: list[StudyPlan] = []
        self.folders: list[Path] = []
        self.runners: list[Any] = []
        self.changes = changes
        self.error: Exception | None = None

    def __call__(self, plan: StudyPlan, *, out: Path, runner: Any, progress: Any) -> StudyRecord:
        self.runners.append(runner)
        self.plans.append(plan)
        self.folders.append(out)
        if self.error:
            raise self.error
        accuracies = dict.fromkeys((one.name for one in plan.variants), 0.5) | ACCURACIES
        return StudyRecord.model_validate(plan_json(plan, accuracies, **self.changes))


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> FakeCompare:
    found = FakeCompare()
    monkeypatch.setattr(compare, "compare", found)
    return found


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pages and results, in which the command runs."""
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    for name in PAGES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<!-- table: {NAME} -->\n<!-- end -->\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_record(checkout: Path, **changes: Any) -> Path:
    """Writes a finished record of the study."""
    path = checkout / "benchmarks" / "results" / f"{NAME}.json"
    path.write_text(
        json.dumps(plan_json(read_shipped_study(NAME), ACCURACIES, **changes)), encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("name", shipped_study_names())
def test_every_shipped_study_is_named_after_its_file(name: str) -> None:
    plan = read_shipped_study(name)
    assert plan.name == name
    assert plan.command == f"modelwright reproduce --only {name}"
    assert set(plan.title) == {"en", "zh"}
    claimed = any(one.claimed is not None for one in plan.variants)
    assert set(plan.source) == ({"en", "zh"} if claimed else set())


def test_the_study_has_every_row_of_the_published_table() -> None:
    found = [(one.claimed, one.rerun) for one in read_shipped_study(NAME).variants]
    assert found == [(0.785, 0.63), (0.812, None), (0.831, None), (0.856, None)]
    variants = read_shipped_study(NAME).variants
    for before, after in itertools.pairwise(variants):
        assert after.reference == before.name
        assert before.settings.items() <= after.settings.items()


def test_both_variants_of_the_fast_recipe_share_their_trainings() -> None:
    plain, augmented = read_shipped_study("cifar10-fast").variants
    assert augmented.tta and not plain.tta
    assert augmented.run_name(2) == plain.run_name(2)
    assert plain.config("a", 0).data.val == 0.0


def test_a_quick_run_has_every_variant_and_few_rows() -> None:
    for name in shipped_study_names():
        plan = read_shipped_study(name)
        quick = quick_plan(plan)
        assert [one.name for one in quick.variants] == [one.name for one in plan.variants]
        assert (quick.name, quick.seeds) == (f"{name}-quick", plan.seeds[:1])
        for one in quick.variants:
            config = one.config(quick.name, 0)
            assert config.data.limit == shipped_studies.ROWS
            assert config.train.epochs == shipped_studies.EPOCHS
            assert config.model.options.get("length", 0) <= shipped_studies.LENGTH
            assert (
                config.data.source == read_shipped_study(name).variants[0].tables["data"]["source"]
            )


def test_a_recorded_study_is_not_trained_again(
    checkout: Path, trainer: FakeCompare, cli: Cli
) -> None:
    write_record(checkout)
    code, out, _ = cli("reproduce", "--only", NAME, "--quiet")
    assert code == 0, "a missed target is a finding"
    assert trainer.plans == []
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "base 78.50 % 63.00 % 79.00 % 78.00 to 80.00 3 +0.50 yes +5.00 12.3" in lines
    assert "+ dropout 81.20 % — 81.00 % 80.00 to 82.00 3 -0.20 no +5.00 12.3" in lines
    assert "measured on 2026-11-24 (AMD EPYC, 2 cores, no GPU); --again trains it anew" in out
    assert lines[-2:] == [
        "cifar10-table, + dropout: 81.00 %, 0.20 points below the published 81.20 %; it lies"
        " within the interval",
        "cifar10-table, + batch norm: 80.00 %, 3.10 points below the published 83.10 %",
    ]


def test_again_trains_a_recorded_study_and_replaces_its_record(
    checkout: Path, trainer: FakeCompare, cli: Cli
) -> None:
    path = write_record(checkout, date="2020-01-01")
    code, out, _ = cli("reproduce", "--only", NAME, "--again", "--quiet", "--json")
    assert code == 0
    assert [plan.name for plan in trainer.plans] == [NAME]
    assert trainer.folders == [Path("studies") / NAME]
    now = json.loads(path.read_text("utf-8"))
    assert now["date"] == "2026-11-24"
    assert now["folder"] == f"studies/{NAME}"
    assert all("somewhere" not in one["command"] for one in now["variants"])
    assert json.loads(out)["studies"][0]["origin"] == "trained"
    for page in PAGES:
        assert "| base | 78.50 % | 63.00 % | 79.00 %" in (checkout / page).read_text("utf-8")
    assert outdated_reasons(StudyRecord.model_validate(now), read_shipped_study(NAME)) == []


@pytest.mark.parametrize(("status", "left"), [("finished", False), ("stopped", True)])
def test_again_deletes_a_finished_study_and_goes_on_with_an_interrupted_one(
    checkout: Path, trainer: FakeCompare, cli: Cli, status: str, left: bool
) -> None:
    folder = checkout / "studies" / NAME
    folder.mkdir(parents=True)
    study = plan_json(read_shipped_study(NAME), ACCURACIES, status=status)
    (folder / "study.json").write_text(json.dumps(study))
    assert cli("reproduce", "--only", NAME, "--again", "--quiet")[0] == 0
    assert folder.exists() is left


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s["variants"][0]["config"]["train"].update(epochs=3), "train.epochs 3 is now"),
        (lambda s: s.update(seeds=[0, 1]), r"seeds: \[0, 1\] and \[0, 1, 2\]"),
        (lambda s: s["variants"].pop(), r"\+ augmentation is missing"),
        (lambda s: s.update(status="stopped"), "status: stopped and finished"),
        (lambda s: s.update(split="val"), "split: val and test"),
        (lambda s: s["variants"][1].update(tta=True), r"\+ dropout: test-time augmentation"),
        (lambda s: s["variants"][0]["config"]["data"].update(source="mnist"), "mnist is now cifar"),
    ],
)
def test_a_record_of_other_settings_is_not_used(
    checkout: Path, trainer: FakeCompare, change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    study = plan_json(read_shipped_study(NAME), ACCURACIES)
    change(study)
    path = checkout / "benchmarks" / "results" / f"{NAME}.json"
    path.write_text(json.dumps(study), encoding="utf-8")
    report = modelwright.reproduce([NAME])
    assert len(trainer.plans) == 1
    [note] = [note for note in report.studies[0].notes if "other settings" in note]
    assert re.search(says, note)


def test_a_setting_newer_than_a_record_has_its_default(
    checkout: Path, trainer: FakeCompare
) -> None:
    study = plan_json(read_shipped_study(NAME), ACCURACIES)
    for one in study["variants"]:
        del one["config"]["train"]["clip_norm"]
    (checkout / "benchmarks" / "results" / f"{NAME}.json").write_text(json.dumps(study))
    modelwright.reproduce([NAME])
    assert trainer.plans == []


def test_a_quick_run_is_marked_and_leaves_no_record(
    checkout: Path, trainer: FakeCompare, cli: Cli
) -> None:
    path = write_record(checkout)
    before, page = path.read_bytes(), (checkout / "docs/results.md").read_bytes()
    code, out, _ = cli("reproduce", "--only", NAME, "--quick", "--quiet")
    assert code == 0
    assert trainer.folders == [Path("studies/quick") / NAME]
    assert trainer.plans[0].seeds == (0,)
    assert out.startswith(f"QUICK  {NAME}")
    assert "shows the shape of the table and nothing else" in out
    [line] = [line for line in out.splitlines() if line.startswith("base")]
    assert line.split()[8:] and " yes " not in line and " no " not in line
    assert "falls short" not in out
    assert path.read_bytes() == before
    assert (checkout / "docs/results.md").read_bytes() == page
    assert len(list((checkout / "benchmarks/results").iterdir())) == 1


def test_a_failed_training_ends_with_an_error_and_leaves_no_record(
    checkout: Path, trainer: FakeCompare, cli: Cli
) -> None:
    failure = {"variant": "base", "seed": 1, "error": "the loss is not a number"}
    trainer.changes = {"status": "failed", "failures": [failure]}
    code, out, err = cli("reproduce", "--only", NAME, "--only", "imdb-bilstm", "--quiet")
    assert code == 4
    assert len(trainer.plans) == 2, "the others go on"
    assert "failed: base, 1: the loss is not a number" in out
    assert err.startswith(f"error: 2 failed, the first {NAME}, base, seed 1: the loss")
    assert not list((checkout / "benchmarks/results").iterdir())
    trainer.error = DataError("cifar10 is nowhere")
    code, out, err = cli("reproduce", "--only", NAME, "--quiet")
    assert code == 4
    assert "failed: cifar10 is nowhere" in out


def test_a_stopped_study_ends_the_command(checkout: Path, trainer: FakeCompare, cli: Cli) -> None:
    trainer.changes = {"status": "stopped", "missing": [{"variant": "base", "seed": 2}]}
    code, out, _ = cli("reproduce", "--quiet")
    assert code == 130
    assert len(trainer.plans) == 1
    assert "still to come: 1; the same command goes on with them" in out


def test_the_published_numbers_are_those_of_the_plan(checkout: Path) -> None:
    plan = read_shipped_study(NAME)
    study = StudyRecord.model_validate(plan_json(plan, ACCURACIES))
    shown = with_current_claims(study, plan)
    assert [one.claimed for one in shown.variants] == [0.785, 0.812, 0.831, 0.856]
    assert study.variants[0].claimed is None, "the record itself does not change"


def test_wrong_options_are_refused(checkout: Path, cli: Cli) -> None:
    code, _, err = cli("reproduce", "--only", "cifar10-tabel")
    assert code == 2
    assert "there is no study 'cifar10-tabel'. Did you mean 'cifar10-table'?" in err
    for wrong in (["--quick", "--again"], ["--list", "--page"], ["--page", "--again"]):
        code, _, err = cli("reproduce", *wrong)
        assert (code, "expected one" in err) == (2, True)
    code, _, err = cli("reproduce", "--page", "--only", NAME)
    assert (code, "without --only" in err) == (2, True)
    with pytest.raises(ConfigError, match="no study 'x'"):
        modelwright.reproduce(["x"])


def test_the_list_shows_claims_and_records(checkout: Path, cli: Cli) -> None:
    write_record(checkout)
    code, out, _ = cli("reproduce", "--list")
    assert code == 0
    [line] = [line for line in out.splitlines() if line.startswith(NAME)]
    assert "78.50 %" in line and "63.00 %" in line and line.endswith("2026-11-24")
    shown = json.loads(cli("reproduce", "--list", "--json")[1])
    assert [one["name"] for one in shown["studies"]] == shipped_study_names()
    assert {one["name"] for one in shown["studies"] if one["kept"]} == {NAME}


@pytest.mark.slow
def test_a_small_study_is_trained_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_csv(tmp_path / "rows.csv", sentences(60), ("text", "label"))
    plan = read_study_plan(
        {
            "name": "tiny",
            "base": {
                "data": {"source": str(source), "test": 0.3},
                "model": {"recipe": "bilstm", "units": [4], "embedding": 4},
                "train": {"precision": "float32", "tensorboard": False, "batch_size": 8},
            },
            "variants": [{"name": "base", "claimed": 99.9}],
        }
    )
    monkeypatch.setattr(shipped_studies, "shipped_study_names", lambda: ["tiny"])
    monkeypatch.setattr(reproducing, "read_shipped_study", lambda name: plan)
    report = modelwright.reproduce(quick=True, out=tmp_path / "studies")
    assert report.status == "finished", report.failures
    assert (tmp_path / "studies/quick/tiny/study.json").is_file()
    assert report.studies[0].study is not None
    assert report.studies[0].study.name == "tiny-quick"
    assert "QUICK" in report.render()
    # The folder of an old quick run with other settings is deleted.
    monkeypatch.setattr(shipped_studies, "LENGTH", 20)
    again = modelwright.reproduce(quick=True, out=tmp_path / "studies")
    assert again.status == "finished", again.failures
    assert again.studies[0].study is not None
    assert again.studies[0].study.variants[0].changed["model.length"] == 20


def test_outside_a_checkout_nothing_but_the_studies_folder_is_written(
    tmp_path: Path, trainer: FakeCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = modelwright.reproduce([NAME])
    assert report.status == "finished"
    assert report.studies[0].notes == (f"trained in studies/{NAME}",)
    assert list(tmp_path.iterdir()) == []
