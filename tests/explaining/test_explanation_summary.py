"""``explain --data``: what carries each class of a whole set, and the contact sheet of images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.explaining.sheet_rows import sheet_rows
from modelwright.runs.run import load_run
from sample_data import write_csv, write_images
from serve.small_servables import COLORS, write_image_servable, write_text_servable

Cli = Callable[..., tuple[int, str, str]]
WORDS = ("wonderful", "dreadful", "boring", "wonderful")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("summaries")
    write_text_servable(folder / "sentiment" / "1")
    write_image_servable(folder / "colors" / "1")
    rows = [(f"The film was {WORDS[at % 4]} film number {at}", "pos") for at in range(40)]
    write_csv(folder / "texts.csv", rows, ("text", "label"))
    write_images(folder / "images", 4, side=32)
    return folder


def test_words_that_carry_each_class_with_counts_and_examples(folder: Path) -> None:
    found = modelwright.summarize_explanations(folder / "sentiment", folder / "texts.csv")
    assert (found.rows, found.total, found.failed) == (40, 40, [])
    by_label = {one.label: one for one in found.terms}
    assert by_label["pos"].rows == by_label["neg"].rows == 20
    assert [one.text for one in by_label["pos"].words] == ["wonderful"]
    words = {one.text: one for one in by_label["neg"].words}
    assert set(words) == {"dreadful", "boring"} and words["boring"].rows == 10
    example = words["boring"].example
    assert example.text[example.start : example.end] == "boring"
    assert example.row == "texts.csv row 4"
    assert found.quality is not None and found.quality["explained"] == 40


def test_an_ngram_is_listed_only_if_it_says_more_than_its_words(
    folder: Path, tmp_path: Path
) -> None:
    rows = [(f"a dreadful boring film {at}", "neg") for at in range(5)]
    data = write_csv(tmp_path / "a.csv", rows, ("text", "label"))
    (found,) = modelwright.summarize_explanations(folder / "sentiment", data).terms
    assert [one.text for one in found.ngrams] == ["dreadful boring"]
    assert found.ngrams[0].rows == 5
    assert found.ngrams[0].weight > max(one.weight for one in found.words)


def test_rows_are_bounded_drawn_with_the_seed_and_it_is_said(folder: Path) -> None:
    def drawn(seed: int) -> tuple[str, list[str]]:
        found = modelwright.summarize_explanations(
            folder / "sentiment", folder / "texts.csv", rows=5, seed=seed
        )
        return " ".join(found.render().split()), [one.input for one in found.explanations]

    text, rows = drawn(3)
    assert "5 of 40 of " in text and "drawn with seed 3" in text
    assert drawn(3)[1] == rows != drawn(4)[1]


def test_a_label_is_explained_in_every_row(folder: Path) -> None:
    found = modelwright.summarize_explanations(
        folder / "sentiment", folder / "texts.csv", label="neg"
    )
    assert [(one.label, one.rows) for one in found.terms] == [("neg", 40)]


def test_one_class_and_rows_that_cannot_be_explained_are_said(folder: Path, tmp_path: Path) -> None:
    rows = [("boring", ""), ("dreadful plot", ""), ("boring " * 20_000, "")]
    data = write_csv(tmp_path / "odd.csv", rows, ("text", "other"))
    text = modelwright.summarize_explanations(folder / "sentiment", data).render()
    assert "gives all explained rows the label neg" in text
    assert "1 rows, the first: odd.csv row 4" in " ".join(text.split())
    nothing = write_csv(tmp_path / "no.csv", [("boring " * 20_000, "")], ("text", "other"))
    with pytest.raises(DataError, match=r"none of 1 rows can be explained: input 1"):
        modelwright.summarize_explanations(folder / "sentiment", nothing)


def test_long_texts_are_no_labels(folder: Path, tmp_path: Path) -> None:
    rows = [("boring \ufeffplot", ""), ("boring plot", ""), ("Boring plot", "")]
    data = write_csv(tmp_path / "alike.csv", rows, ("text", "other"))
    found = modelwright.summarize_explanations(folder / "sentiment", data)
    assert not any("label" in note for note in found.notes if "all explained" not in note)


def test_the_sheet_holds_typical_wrong_and_uncertain_rows() -> None:
    answers = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55], [0.98, 0.02]], np.float32)
    assert sheet_rows(answers, [0, 0, 1, 0, 1], 3) == {
        "typical": [0, 2, 1], "wrong": [4, 3], "uncertain": [3, 2, 1],
    }  # fmt: skip
    assert sheet_rows(answers, None, 2) == {
        "typical": [4, 2], "wrong": [], "uncertain": [3, 2],
    }  # fmt: skip
    assert sheet_rows(answers, [None, 0, 1, 1, 0], 2)["wrong"] == []


def test_a_labeled_folder_gives_a_contact_sheet(folder: Path, tmp_path: Path, cli: Cli) -> None:
    images = tmp_path / "images"
    write_images(images, 3, side=32)
    wrong = np.full((32, 32, 3), COLORS["red"], np.uint8)
    Image.fromarray(wrong).save(images / "blue" / "odd.png")
    sheet = tmp_path / "new" / "sheet.png"
    code, out, _ = cli("explain", folder / "colors", "--data", images, "-o", sheet, "--quick")
    assert code == 0 and "1 by label" in out and "most confident wrong" in out
    assert "blue/odd.png" in out and f"written: {sheet}" in out
    with Image.open(sheet) as drawn:
        assert min(drawn.size) > 300


def test_images_without_labels_have_no_wrong_ones(folder: Path, tmp_path: Path) -> None:
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        Image.fromarray(np.full((32, 32, 3), COLORS[color], np.uint8)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no image")
    found = modelwright.summarize_explanations(folder / "colors", tmp_path, method="quick")
    assert found.wrong is None and {one.kind for one in found.sheet} == {"typical", "uncertain"}
    assert "not known: no row has a label" in found.render()
    assert [row for row, _ in found.failed] == ["broken.png"]


def test_a_table_of_images_with_and_without_labels(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "images" / "red", tmp_path / "red")
    rows = [(f"red/{one.name}", "blue") for one in sorted((tmp_path / "red").iterdir())[:2]]
    without = write_csv(tmp_path / "a.csv", [row[:1] for row in rows], ("image",))
    labeled = write_csv(tmp_path / "b.csv", rows, ("image", "label"))
    found = [
        modelwright.summarize_explanations(folder / "colors", data, method="quick")
        for data in (without, labeled)
    ]
    assert [one.wrong for one in found] == [None, 2]


def test_labels_that_the_model_does_not_have_are_not_wrong(folder: Path, tmp_path: Path) -> None:
    for name in ("red", "purple"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((32, 32, 3), COLORS["red"], np.uint8)).save(
            tmp_path / name / "1.png"
        )
    found = modelwright.summarize_explanations(folder / "colors", tmp_path, method="quick")
    assert found.wrong == 0 and any("does not know (purple)" in note for note in found.notes)


def test_json_of_texts_and_marked_texts_in_a_file(folder: Path, tmp_path: Path, cli: Cli) -> None:
    page = tmp_path / "page.html"
    given = (folder / "sentiment", "--data", folder / "texts.csv", "--rows", 6)
    code, out, _ = cli("explain", *given, "-o", page, "--json")
    record = json.loads(out)
    assert code == 0 and (record["rows"], record["total"]) == (6, 40)
    assert set(record["classes"][0]["words"][0]) == {"text", "weight", "rows", "example"}
    assert page.read_text("utf-8").count("<article>") == 6


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("sentiment", ["--data", "images"], "holds images, but the model takes texts"),
        ("colors", ["--data", "texts.csv"], "holds texts, but the model takes images"),
        ("sentiment", ["--data", "gone.csv"], "gone.csv"),
        ("sentiment", ["--data", "texts.csv", "a text"], "leave out INPUTS"),
        ("sentiment", ["--data", "texts.csv", "--label", "posi"], "no label 'posi'"),
        ("sentiment", ["--data", "texts.csv", "-o", "a.png"], "are written as .html"),
        ("colors", ["--data", "images", "-o", "dir.png"], "is a folder"),
        ("colors", ["--data", "images", "-o", "texts.csv/a.png"], "texts.csv"),
        ("sentiment", ["--data", "odd.csv"], "rename it to 'text'. Columns: a, b"),
        ("sentiment", ["--rows", 5, "a text"], "--rows is for --data and --evaluate"),
    ],
)
def test_bad_input(
    folder: Path,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    arguments: list[object],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    Path("dir.png").mkdir(exist_ok=True)
    Path("odd.csv").write_text("a,b\n1,2\n", "utf-8")
    code, _, err = cli("explain", folder / model, *arguments)
    assert code in (ConfigError.exit_code, DataError.exit_code, 1), err
    assert message in " ".join(err.split()) and "Traceback" not in err


def test_the_set_that_a_run_was_trained_on_is_named_as_such(text_run: Path) -> None:
    source = load_run(text_run).config.data.source
    found = modelwright.summarize_explanations(text_run, source, rows=4)
    assert found.engine == "keras" and found.rows == 4
    assert any("was trained on rows of this set" in note for note in found.notes)
