"""The commands as a user sees them: text, JSON, exit codes, and one line for each mistake."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sample_data import write_images

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.usefixtures("export_in_process")
def test_the_commands_from_training_to_prediction(cli: Cli, reviews: Path, tmp_path: Path) -> None:
    run, model = tmp_path / "run", tmp_path / "sentiment"
    settings = ["model.context=0", "model.length=12", "train.batch_size=8"]
    sets = [x for s in [*settings, "train.learning_rate=0.02"] for x in ("--set", s)]
    code, out, _ = cli(
        "train", "--data", reviews, "--text-column", "评论", "--label-column", "情感",
        "--recipe", "textcnn", "--epochs", 3, "--out", run, "--json", *sets,
    )  # fmt: skip
    trained = json.loads(out)
    assert code == 0
    assert {"run", "epochs", "seconds", "val_accuracy"} <= trained.keys()
    assert (trained["run"], trained["epochs"]) == (str(run), 3)

    code, out, _ = cli("evaluate", run, "--json")
    measured = json.loads(out)
    assert {
        "rows", "accuracy", "accuracy_interval", "macro_f1", "majority_accuracy", "train_accuracy",
    } <= measured.keys()  # fmt: skip
    low, high = measured["accuracy_interval"]
    assert low <= measured["accuracy"] <= high

    code, out, _ = cli("export", run, model, "--json")
    exported = json.loads(out)
    assert exported["servable"] == str(model / "1")
    assert exported["version"] == 1
    assert exported["parity"]["savedmodel"]["passed"]

    assert cli("verify", model / "1", "--json")[0] == 0
    code, out, _ = cli("predict", model, "酒店 很好", "awful", "--json")
    answers = json.loads(out)
    assert [answer["label"] for answer in answers] == ["pos", "neg"]
    assert answers[0].keys() >= {"label", "score", "probabilities"}
    code, out, _ = cli("predict", model, "酒店 很好", "--top", 2)
    assert out.splitlines()[2].split()[:3] == ["酒店", "很好", "pos"]
    assert "neg" in out.splitlines()[3]


def test_a_config_file_and_an_evaluation_on_other_rows(
    cli: Cli, reviews: Path, tmp_path: Path
) -> None:
    config = tmp_path / "sentiment.toml"
    config.write_text(
        f'[data]\nsource = "{reviews}"\n[model]\nrecipe = "textcnn"\ncontext = 0\nlength = 8\n'
        "[train]\nepochs = 2\nbatch_size = 16\nlearning_rate = 0.02\n"
    )
    code, out, err = cli("train", config, "--set", "train.epochs=1", "--out", tmp_path / "r", "-q")
    assert code == 0
    assert err == ""
    assert "validation accuracy" in out
    other = tmp_path / "other.csv"
    other.write_text("评论,情感\nan awful plot,neg\n很好,pos\n,pos\n", encoding="utf-8")
    code, out, _ = cli("evaluate", tmp_path / "r", "--data", other, "--json")
    measured = json.loads(out)
    assert (measured["rows"], measured["rejected"]) == (2, 1)
    assert measured["notes"] == ["columns: text from '评论', label from '情感'"]
    folder = Path(measured["folder"])
    assert "empty" in (folder / "rejected.csv").read_text()
    assert {p.name for p in folder.glob("*.png")} >= {
        "confusion.png",
        "calibration.png",
        "classes.png",
    }


def test_pictures_in_a_folder_and_by_pattern(
    cli: Cli, image_servable: Path, colors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = cli("predict", image_servable, colors / "red", "--json")
    assert {answer["label"] for answer in json.loads(out)} == {"red"}
    monkeypatch.chdir(colors)
    _, out, _ = cli("predict", image_servable, "gr*/00[12].png", "--json")
    assert [answer["input"] for answer in json.loads(out)] == ["green/001.png", "green/002.png"]


def test_lines_from_standard_input(
    cli: Cli, text_servable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("很好\nawful\n"))
    _, out, _ = cli("predict", text_servable, "-", "--json")
    assert [json.loads(line)["error"] for line in out.splitlines()] == [None, None]


def test_inspection_of_a_source(cli: Cli, reviews: Path, tmp_path: Path) -> None:
    code, out, _ = cli("data", "inspect", reviews, "--out", tmp_path / "look", "--json")
    assert code == 0
    assert json.loads(out)["rows"] == 240
    assert list((tmp_path / "look").glob("*.png"))


def test_inspection_takes_settings(cli: Cli, tmp_path: Path) -> None:
    for name in ("train", "valid", "augmented"):
        write_images(tmp_path / "data" / name, 2)
    inspect = ("data", "inspect", tmp_path / "data", "--out", tmp_path / "look", "--json")
    code, _, error = cli(*inspect)
    assert code == 3 and "Leave it out with --set data.skip=augmented" in error
    code, out, _ = cli(*inspect, "--set", "data.skip=augmented", "--set", "data.test=0")
    assert code == 0 and json.loads(out)["rows"] == 12
    assert "the splits are read from folders: train from train/; val from valid/" in out


@pytest.mark.parametrize("command", ["inspect", "show"])
def test_a_look_at_data_refuses_settings_of_a_training(
    command: str, cli: Cli, reviews: Path
) -> None:
    code, out, err = cli("data", command, reviews, "--set", "train.epochs=1")
    assert (code, out) == (2, "") and "a key of 'train'" in err


def test_layers_are_drawn_where_they_are_asked_for(
    cli: Cli, image_run: Path, text_run: Path, tmp_path: Path
) -> None:
    code, out, _ = cli("layers", image_run, "--out", tmp_path / "l.png", "--json")
    assert code == 0 and (tmp_path / "l.png").stat().st_size > 1000
    assert json.loads(out)["layers"][0]["shape"] == [14, 14, 4]
    code, out, _ = cli("layers", image_run, "-q")
    assert code == 0 and "plots/layers.png" in out
    code, _, err = cli("layers", text_run)
    assert code == 2 and "layers are drawn for images" in err


def test_the_doctor_names_versions_and_precision(cli: Cli) -> None:
    code, out, _ = cli("doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["versions"]["tensorflow"]
    assert report["precision"]["reason"]
    assert report["missing"] == {}


def mistakes(
    tmp_path: Path, reviews: Path, colors: Path
) -> dict[str, tuple[list[object], int, str]]:
    """Returns wrong commands, each with its exit code and a part of its message."""
    one = tmp_path / "one.csv"
    one.write_text("text,label\na,x\nb,x\n")
    few = tmp_path / "few.csv"
    few.write_text("text,label\na,1\nb,2\nc,3\n")
    empty = tmp_path / "empty.csv"
    empty.touch()
    broken = tmp_path / "broken.toml"
    broken.write_text("[data\n")
    pickle = tmp_path / "data.pkl"
    pickle.write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    train = ["train", "--recipe", "bilstm", "--out", tmp_path / "out", "--data"]
    return {
        "missing source": ([*train, tmp_path / "no.csv"], 3, "no.csv"),
        "empty source": ([*train, empty], 3, "empty.csv"),
        "one class": ([*train, one], 3, "one class"),
        "fewer rows than classes": ([*train, few], 3, "3 rows for 3 classes"),
        "no such column": ([*train, reviews, "--text-column", "评伦"], 3, "评论"),
        "a pickle": ([*train, pickle], 3, "data.pkl"),
        "not TOML": (["train", broken], 2, "is not TOML"),
        "unknown setting": ([*train, reviews, "--set", "train.epoch=1"], 2, "'epochs'"),
        "wrong kind of data": ([*train, colors], 2, "recipe 'bilstm' is for texts"),
        "no config": (["train"], 2, "no recipe given"),
        "unknown command": (["trian"], 2, "trian"),
        "no run": (["evaluate", tmp_path], 4, "is not a run"),
        "no servable": (["predict", tmp_path / "m", "a"], 5, "does not exist"),
        "resume with more": (["train", "--resume", "x", "--epochs", "3"], 2, "--resume"),
        "unknown set": (["data", "fetch", "imbd"], 3, "imdb"),
    }


NAMES = [
    "missing source", "empty source", "one class", "fewer rows than classes", "no such column",
    "a pickle", "not TOML", "unknown setting", "wrong kind of data", "no config",
    "unknown command", "no run", "no servable", "resume with more", "unknown set",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_one_line_and_an_exit_code(
    cli: Cli, tmp_path: Path, reviews: Path, colors: Path, name: str
) -> None:
    arguments, expected, says = mistakes(tmp_path, reviews, colors)[name]
    code, out, err = cli(*arguments)
    assert code == expected, err
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    if name != "unknown command":
        assert err.count("\n") == 1
        assert err.startswith("error: ")
    assert not (tmp_path / "out").exists()


def test_mistakes_with_a_servable(
    cli: Cli, text_servable: Path, image_servable: Path, colors: Path, tmp_path: Path
) -> None:
    whole = (colors / "red" / "000.png").read_bytes()
    for name, content in {
        "cut.png": whole[: len(whole) // 2],
        "empty.png": b"",
        "text.png": b"hello",
    }.items():
        (tmp_path / name).write_bytes(content)
        code, out, err = cli("predict", image_servable, tmp_path / name)
        assert (code, out) == (3, "")
        assert name in err
        assert err.count("\n") == 1
    code, _, err = cli("predict", text_servable, colors / "red" / "000.png")
    assert code == 2
    assert "is an image, but" in err
    code, _, err = cli("predict", image_servable, "some words")
    assert code == 2
    assert "there is no image 'some words'" in err


def test_a_file_of_texts_and_an_empty_input_are_not_classified(
    cli: Cli, text_servable: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = cli("predict", text_servable, reviews)
    assert code == 2
    assert "is a file, but" in err and "-o scored.csv" in err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = cli("predict", text_servable, "-")
    assert code == 2
    assert "standard input is empty" in err


def test_a_split_of_other_rows_is_refused(cli: Cli, text_run: Path, reviews: Path) -> None:
    code, _, err = cli("evaluate", text_run, "--data", reviews, "--split", "val")
    assert code == 2
    assert "without --split" in err


def test_labels_that_do_not_match_the_models(cli: Cli, text_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("评论,情感\na,pos\nb,meh\n", encoding="utf-8")
    code, _, err = cli("evaluate", text_run, "--data", other)
    assert code == 3
    assert "label 'meh'" in err


def test_grey_palette_alpha_and_cmyk_pictures_are_classified(
    cli: Cli, image_servable: Path, tmp_path: Path
) -> None:
    red = Image.new("RGB", (20, 20), (220, 30, 30))
    red.convert("P").save(tmp_path / "palette.png")
    red.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    red.putalpha(10)
    red.save(tmp_path / "alpha.png")
    red.convert("RGB").save(
        tmp_path / "animated.gif",
        save_all=True,
        append_images=[Image.new("RGB", (20, 20), (30, 30, 220))],
    )
    _, out, _ = cli("predict", image_servable, tmp_path, "--json")
    assert [answer["label"] for answer in json.loads(out)] == ["red"] * 4


def test_a_folder_that_cannot_be_written_is_one_line(
    cli: Cli, reviews: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings = ["--set", "model.units=[4]", "--set", "model.length=4"]
    code, out, err = cli(
        "train", "--data", reviews, "--recipe", "bilstm", "--out", tmp_path / "file" / "run",
        *settings, "-q",
    )  # fmt: skip
    assert (code, out) == (1, "")
    assert err.startswith("error: Not a directory")
    assert err.count("\n") == 1


def test_help_is_there_for_every_command(cli: Cli) -> None:
    for command in (
        "train",
        "evaluate",
        "layers",
        "export",
        "verify",
        "predict",
        "recipes",
        "doctor",
    ):
        code, out, _ = cli(command, "--help")
        assert code == 0
        assert "--json" in out
    code, out, _ = cli("--version")
    assert out.startswith("modelwright 0.")


def test_the_short_alias_runs() -> None:
    mw = Path(sys.executable).with_name("mw")
    if not mw.exists():
        pytest.skip("not installed as a package here")
    done = subprocess.run([mw, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("modelwright 0.")
