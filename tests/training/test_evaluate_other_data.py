"""Evaluations of other data: its own settings, rows of the training among it, moved data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.runs.run import load_run
from sample_data import sentences, write_csv

Command = Callable[..., tuple[int, str, str]]


def test_the_rows_that_a_run_was_trained_on_are_counted(
    text_run: Path, image_run: Path, reviews: Path, colors: Path
) -> None:
    for run, data in ((text_run, reviews), (image_run, colors)):
        trained = json.loads((run / "run.json").read_text())["data"]["rows"]["train"]
        report = modelwright.evaluate(run, data=data)
        told = report.to_dict()["trained_on"]
        assert (told["rows"], told["unchecked"]) == (trained, None)
        assert told["without"]["rows"] == report.metrics.rows - trained
        assert "accuracy without them" in report.render()
        assert json.loads((report.folder / "evaluation.json").read_text())["trained_on"] == told
        assert modelwright.evaluate(run).to_dict()["trained_on"]["rows"] == 0
    assert modelwright.evaluate(text_run, split="train").to_dict()["trained_on"] is None


def test_data_that_is_gone_cannot_be_compared_and_moved_data_can(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(text_run, tmp_path / "run"))
    source = Path(load_run(run).config.data.source)  # type: ignore[arg-type]
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace(str(source.parent), "/gone"))
    record = json.loads((run / "run.json").read_text())
    del record["files"]["config.toml"], record["data"]["places"]
    (run / "run.json").write_text(json.dumps(record))
    told = modelwright.evaluate(run, data=reviews).to_dict()["trained_on"]
    assert told["rows"] is None
    assert "there is no /gone/reviews.csv" in told["unchecked"]
    told = modelwright.evaluate(run, data=reviews, data_root=reviews.parent).to_dict()["trained_on"]
    assert told["rows"] > 0


def test_other_data_has_settings_of_its_own(text_run: Path, tmp_path: Path, cli: Command) -> None:
    plain = write_csv(tmp_path / "plain.csv", sentences(30), ("comment", "mood"))
    other = tmp_path / "other.csv"
    other.write_bytes((plain.read_text("utf-8") + '"  ",pos\n').encode("gb18030"))
    settings = ("--encoding", "gb18030", "--text-column", "comment", "--label-column", "mood")
    code, out, err = cli("evaluate", text_run, "--data", other, *settings, "--json", "-q")
    assert (code, json.loads(out)["rows"], json.loads(out)["rejected"]) == (0, 30, 1), err
    code, _, err = cli("evaluate", text_run, "--data", other, *settings, "--strict")
    assert (code, "data.strict is set" in err) == (3, True)
    code, out, _ = cli(
        *("evaluate", text_run, "--data", other, *settings, "--set", "data.limit=10", "--json")
    )
    assert (code, json.loads(out)["rows"]) == (0, 10)
    code, _, err = cli("evaluate", text_run, "--encoding", "gb18030")
    assert code == 2
    assert "data.encoding was given without other data" in err
    code, _, err = cli("evaluate", text_run, "--data", other, "--set", "train.epochs=1")
    assert code == 2
    assert "reads only data.key=value" in err
    with pytest.raises(ConfigError, match="unknown key 'data.encodng'"):
        modelwright.evaluate(text_run, data=other, settings={"encodng": "gbk"})
