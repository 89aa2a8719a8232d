"""``explain`` in Python and as a command: what it says, and what it says of bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.explaining.explain_report import ExplainReport, FailedInput, marked_text, visible
from modelwright.explaining.explanation import Explanation
from modelwright.plots.explanation import overlay
from serve.small_servables import COLORS, png, write_image_servable, write_text_servable

Cli = Callable[..., tuple[int, str, str]]
TEXT = "The acting is wonderful but the plot is dreadful and boring"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_text_servable(folder / "sentiment" / "1")
    write_image_servable(folder / "colors" / "1")
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A gray image whose upper left corner is blue."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:] = 100
    pixels[:8, :8] = COLORS["blue"]
    Image.fromarray(pixels).save(tmp_path / "corner.png")
    return tmp_path / "corner.png"


def explained(report: ExplainReport) -> Explanation:
    assert report.failed == []
    return report.explained[0]


def test_a_text_names_the_words_that_decide(models: Path) -> None:
    one = explained(modelwright.explain(models / "sentiment", [TEXT]))
    assert one.label == "neg"
    assert [found.segment.text for found in one.strongest(2)] == ["dreadful", "boring"]
    assert [found.segment.text for found in one.strongest(5, against=True)] == ["wonderful"]
    record = one.to_dict()
    for segment in record["segments"]:
        assert TEXT[segment["start"] : segment["end"]] == segment["text"]
    faith = record["faithfulness"]
    assert faith["probability_without_named"] < 0.5 < faith["probability"]
    assert (faith["stability"], faith["deterministic"], faith["warnings"]) == (1.0, True, [])
    again = explained(modelwright.explain(modelwright.load(models / "sentiment"), [TEXT]))
    assert again.to_dict() == record


def test_the_label_can_be_chosen(models: Path) -> None:
    one = explained(modelwright.explain(models / "sentiment", [TEXT], label="pos"))
    assert (one.label, one.strongest(1)[0].segment.text) == ("pos", "wonderful")
    assert one.probability < 0.5
    with pytest.raises(ConfigError, match=r"no label 'posi'. Did you mean 'pos'\? Its labels: neg"):
        modelwright.explain(models / "sentiment", [TEXT], label="posi")


@pytest.mark.parametrize(("method", "name"), [("auto", "masks"), ("quick", "occlusion")])
def test_an_image_names_the_cells_that_decide(
    models: Path, image: Path, method: str, name: str
) -> None:
    report = modelwright.explain(models / "colors", [image], label="blue", method=method)
    one = explained(report)
    assert one.method == name
    corner = [found.segment for found in one.strongest(2 if name == "occlusion" else 4)]
    assert all(cell.row < 8 and cell.column < 8 for cell in corner)
    assert {"row", "column", "height", "width", "weight"} == set(one.to_dict()["segments"][0])
    same = modelwright.explain(models / "colors", [image.read_bytes()], label="blue", method=method)
    assert explained(same).segments == one.segments
    assert explained(same).input == "image 1"


def test_a_one_token_text_and_a_text_of_100_000_characters(models: Path) -> None:
    report = modelwright.explain(models / "sentiment", ["dreadful", "boring " * 14_285 + "plot."])
    short, long = report.explained
    assert len(short.segments) == 1 and short.segments[0].weight > 0
    assert short.quality is not None and short.quality.warnings == []
    assert "the model reads 12 of the 14,286 tokens" in long.notes[0]


def test_a_probability_that_does_not_move(models: Path, tmp_path: Path) -> None:
    text, record = "nothing known here", None
    one = explained(modelwright.explain(models / "sentiment", [text]))
    record = one.to_dict()
    assert (record["segments"], record["probability"]) == ([], pytest.approx(0.5))
    assert "stays at 50.00 % whatever is taken out" in one.notes[-1]
    flat = tmp_path / "flat.png"
    flat.write_bytes(png(COLORS["red"], 16))
    one = explained(modelwright.explain(models / "colors", [flat]))
    assert one.segments == () and one.drawn is not None and not one.drawn.heat.any()


def test_an_input_without_an_explanation_does_not_stop_the_others(models: Path) -> None:
    report = modelwright.explain(models / "sentiment", ["", TEXT, 3, "a\ud800"])
    assert [type(one) for one in report.explanations] == [
        FailedInput, Explanation, FailedInput, FailedInput,
    ]  # fmt: skip
    reasons = [one.reason for one in report.failed]
    assert reasons[0].startswith("input 1 cannot be explained: the text has no word or sign")
    assert "input 3 is int" in reasons[1] and "lone surrogate" in reasons[2]
    records = report.to_dict()["explanations"]
    assert set(records[0]) == set(records[1]) and records[0]["segments"] is None


def test_the_report_for_a_terminal_shows_hostile_text_as_text(models: Path) -> None:
    text = "\x1b[31m \u202e dreadful [bold]boring[/bold]\r\n" + "x" * 300
    report = modelwright.explain(models / "sentiment", [text])
    shown = report.render()
    assert "\x1b" not in shown and "\u202e" not in shown and "\r" not in shown
    assert "[bold]" in shown
    assert "[dreadful +" in marked_text(explained(report))
    assert visible("👨\u200d👩 a\tb\x00") == "👨\u200d👩 a b\ufffd"


def test_the_command_prints_a_list_as_json(cli: Cli, models: Path) -> None:
    code, out, err = cli("explain", models / "sentiment", TEXT, "好", "--json", "--label", "pos")
    assert (code, err) == (0, "")
    records = json.loads(out)
    assert [one["input"] for one in records] == [TEXT, "好"]
    assert set(records[0]) == {
        "input", "label", "probability", "method", "segments", "faithfulness", "error",
    }  # fmt: skip


def test_the_command_shows_the_marked_text(cli: Cli, models: Path) -> None:
    code, out, _ = cli("explain", models / "sentiment", TEXT)
    assert code == 0
    assert "The acting is [wonderful -" in out and "[dreadful +" in out
    assert "deterministic: nothing is drawn" in out
    code, out, _ = cli("explain", models / "sentiment", "-5 stars: dreadful")
    assert code == 0 and "[dreadful +" in out


def test_the_command_takes_files_of_lines(
    cli: Cli, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = tmp_path / "reviews.txt"
    lines.write_text("dreadful\n\n很好\n", "utf-8")
    code, out, err = cli("explain", models / "sentiment", lines, "--json")
    assert [one["input"] for one in json.loads(out)] == ["dreadful", "很好"]
    assert (code, err) == (0, f"note: {lines}: 2 texts, one a line\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("boring\n\n"))
    code, out, _ = cli("explain", models / "sentiment", "-", "--json")
    assert [one["input"] for one in json.loads(out)] == ["boring"]
    lines.write_text("\n")
    code, _, err = cli("explain", models / "sentiment", lines)
    assert code == 3 and "has no text; expected one a line" in err


def test_the_command_draws_heat_maps(cli: Cli, models: Path, image: Path, tmp_path: Path) -> None:
    file = tmp_path / "out" / "map.png"
    code, out, _ = cli("explain", models / "colors", image, "-o", file, "--quick")
    assert code == 0 and f"written: {file}" in out
    with Image.open(file) as drawn:
        assert drawn.width > 400
        assert len(np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)) > 50
    code, _, err = cli("explain", models / "colors", image, "-o", tmp_path / "map.jpg")
    assert code == 2 and "written as .png" in err


def test_a_heat_map_has_the_color_of_the_weights() -> None:
    heat = np.array([[1.0, 0.0], [0.0, -1.0]], np.float32)
    drawn = overlay(np.full((4, 6, 3), 120, np.uint8), heat).astype(int)
    assert drawn[0, 0, 2] > drawn[0, 0, 0] and drawn[3, 5, 0] > drawn[3, 5, 2]
    assert len(set(drawn[0, 5])) == 1


def test_the_page_escapes_texts_and_labels(cli: Cli, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    text = "<script>alert('x')</script> dreadful & \"boring\""
    code, _, _ = cli("explain", models / "sentiment", text, "-o", file)
    page = file.read_text("utf-8")
    assert code == 0 and "<script" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)" in page and "&amp;" in page
    assert "<bdi>dreadful</bdi></mark>" in page
    code, _, err = cli("explain", models / "sentiment", text, "-o", tmp_path / "page.png")
    assert code == 2 and "explanations of texts are written as .html" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("sentiment", "{image}"), 2, "is an image, but"),
        (("colors", "a text"), 2, "there is no image 'a text'"),
        (("colors", "{damaged}"), 3, "is damaged or cut off"),
        (("sentiment", "{table}"), 2, "is a file, but"),
        (("sentiment", ""), 3, "no word or sign that the model reads"),
        (("sentiment", "a", "--method", "leave-one-in"), 2, "Did you mean 'leave-one-out'?"),
        (("sentiment", "a", "--method", "masks"), 2, "'masks' explains image models"),
        (("colors", "{image}", "--method", "masks", "--quick"), 2, "--quick selects the method"),
        (("sentiment", "a", "--label", "negative"), 2, "Its labels: neg, pos"),
        (("sentiment", "a", "--engine", "litert"), 2, "has no engine 'litert'"),
        (("sentiment", "a", "-"), 2, "give it as the only input"),
        (("missing", "a"), 5, "does not exist"),
    ],
)
def test_bad_input(
    cli: Cli, models: Path, image: Path, tmp_path: Path,
    arguments: tuple[str, ...], code: int, message: str,
) -> None:  # fmt: skip
    (tmp_path / "damaged.png").write_bytes(image.read_bytes()[:60])
    (tmp_path / "table.csv").write_text("text\na\n")
    names = {
        "{image}": image, "{damaged}": tmp_path / "damaged.png", "{table}": tmp_path / "table.csv",
    }  # fmt: skip
    model, *rest = arguments
    found, _, err = cli("explain", models / model, *(names.get(one, one) for one in rest))
    assert (found, message in err) == (code, True), err
    assert "Traceback" not in err


def test_the_other_inputs_are_answered(cli: Cli, models: Path) -> None:
    code, out, err = cli("explain", models / "sentiment", " ", "dreadful", "--json")
    records = json.loads(out)
    assert code == 3 and "1 of 2 inputs have no explanation" in err
    assert records[0]["error"].startswith("input 1 cannot be explained")
    assert records[1]["error"] is None


def test_explanations_need_neither_tensorflow_nor_keras(models: Path, image: Path) -> None:
    code = (
        "import sys\n"
        "class Refused:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('tensorflow', 'keras', 'jax', 'scipy', 'matplotlib'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refused())\n"
        "import modelwright\n"
        f"for name, row in (('sentiment', {TEXT!r}), ('colors', {str(image)!r})):\n"
        f"    report = modelwright.explain({str(models)!r} + '/' + name, [row])\n"
        "    print(report.engine, len(report.explained[0].segments))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["onnx 11", "onnx 64"], done.stderr
