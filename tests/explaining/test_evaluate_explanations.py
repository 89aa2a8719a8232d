"""``explain --evaluate`` in Python and as a command, with servables and with a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.explaining.randomized_weights import ALL, LAST
from sample_data import sentences, write_csv, write_images
from serve.small_servables import write_image_servable, write_text_servable

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated")
    write_text_servable(folder / "sentiment" / "1")
    write_image_servable(folder / "colors" / "1")
    words = ["wonderful", "dreadful", "boring", "great"]
    rows = [
        (f"the film was {words[at % 4]} and the plot went on for {at} hours", "pos")
        for at in range(12)
    ]
    write_csv(folder / "texts.csv", rows, ("text", "label"))
    write_images(folder / "images", 3, side=32)
    return folder


def test_texts_of_a_servable_are_measured_with_rows_of_a_file(folder: Path) -> None:
    found = modelwright.evaluate_explanations(
        folder / "sentiment", rows=6, data=folder / "texts.csv"
    )
    names = [one.name for one in found.comparison.methods]
    assert names == ["in-and-out", "leave-one-out", "lime"] and found.comparison.rows == 6
    assert found.skipped == {"integrated-gradients": "it needs the gradients of a run"}
    assert not found.randomization and "of 12 rows of" in found.source


def test_methods_of_images_and_only_those_that_are_named(folder: Path) -> None:
    found = modelwright.evaluate_explanations(
        folder / "colors", rows=3, data=folder / "images", methods=["occlusion", "masks"]
    )
    assert [one.name for one in found.comparison.methods] == ["occlusion", "masks"]
    assert not found.skipped and found.comparison.segments == 64


def test_without_data_the_recorded_examples_are_taken_and_it_is_said(folder: Path) -> None:
    found = modelwright.evaluate_explanations(
        folder / "sentiment", rows=1000, methods=["leave-one-out"]
    )
    assert "recorded examples in examples.jsonl" in found.source
    assert any("give more rows with --data" in note for note in found.notes)


def test_a_run_is_also_checked_with_random_weights(text_run: Path) -> None:
    found = modelwright.evaluate_explanations(text_run, rows=4, methods=["leave-one-out"])
    (check,) = found.randomization
    assert set(check.correlation) == {LAST, ALL} and check.method == "leave-one-out"
    assert check.correlation[ALL].mean < 0.9
    assert "test rows of" in found.source


@pytest.mark.slow
def test_every_method_explains_the_rows_of_a_run(text_run: Path, image_run: Path) -> None:
    texts = modelwright.evaluate_explanations(text_run, rows=4)
    assert {one.name for one in texts.comparison.methods} == {
        "in-and-out",
        "leave-one-out",
        "lime",
        "integrated-gradients",
    }
    images = modelwright.evaluate_explanations(image_run, rows=4)
    assert {one.name for one in images.comparison.methods} >= {"masks", "grad-cam", "lime"}
    assert not images.skipped and not texts.skipped


def test_the_command_prints_a_table_or_json(folder: Path, cli: Cli) -> None:
    given = (folder / "sentiment", "--evaluate", "--rows", 4, "--data", folder / "texts.csv")
    code, out, _ = cli("explain", *given, "--method", "leave-one-out")
    assert code == 0 and "leave-one-out" in out and "random" in out and "lime" not in out
    code, out, _ = cli("explain", *given, "--json")
    record = json.loads(out)
    assert code == 0 and record["rows"] == 4 and record["task"] == "text"
    assert [one["method"] for one in record["methods"]] == ["in-and-out", "leave-one-out", "lime"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--evaluate", "a text"], "leave out INPUTS"),
        (["--evaluate", "--label", "pos", "--quick"], "leave out --label, --quick"),
        (["--rows", 5, "a text"], "--rows is for --data and --evaluate"),
        (["--data", "x.csv", "a text"], "--data explains the rows of a whole set"),
        ([], "there is nothing to explain; give texts or images after the model, or --evaluate"),
        (["--evaluate", "--method", "grad-cam"], "explains image models"),
        (["--evaluate", "--method", "integrated-gradients"], "needs gradients"),
        (["--evaluate", "--method", "leave-one-out,limes"], "method of explanation 'limes'"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, cli: Cli, arguments: list[object], message: str
) -> None:
    code, _, err = cli("explain", folder / "sentiment", *arguments)
    assert code == ConfigError.exit_code and message in " ".join(err.split())


def test_rows_that_cannot_be_explained_are_counted(folder: Path, tmp_path: Path) -> None:
    rows = [*sentences(3), ("！？", "pos"), ("word", "pos")]
    path = write_csv(tmp_path / "odd.csv", rows, ("text", "label"))
    found = modelwright.evaluate_explanations(
        folder / "sentiment", data=path, methods=["leave-one-out"]
    )
    assert (found.comparison.rows, found.comparison.left_out) == (3, 2)
    with pytest.raises(ConfigError, match="expected 2 or more"):
        modelwright.evaluate_explanations(folder / "sentiment", rows=1)
    with pytest.raises(DataError):
        modelwright.evaluate_explanations(folder / "sentiment", data=folder / "images")
