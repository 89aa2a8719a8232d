"""A training chooses how to split its texts, and everything after it splits them the same way."""

from __future__ import annotations

import json
from pathlib import Path

from modelwright.core.config import Config
from modelwright.data.load import load_data
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import create_run, load_run
from modelwright.training.extras import Extras
from modelwright.training.session import Session
from modelwright.training.starting_weights import StartFrom
from modelwright.training.train import train

THAI = {"pos": "ดีมากชอบที่สุด", "neg": "แย่มากไม่ชอบเลย"}


def config(folder: Path, **model: object) -> Config:
    path = folder / "thai.csv"
    rows = [f"{text}{n},{label}" for n in range(30) for label, text in THAI.items()]
    path.write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    network = {"recipe": "textcnn", "filters": 4, "embedding": 4, "context": 0, "length": 8}
    return resolve_config(
        options={
            "data": {"source": str(path)},
            "model": {**network, **model},
            "train": {"epochs": 1, "precision": "float32", "tensorboard": False},
        }
    )


def test_texts_without_spaces_are_split_and_the_run_says_so(tmp_path: Path) -> None:
    report = train(config(tmp_path), out=tmp_path / "run")
    assert any("Thai in " in note and "model.tokens=auto-clusters" in note for note in report.notes)
    run = load_run(tmp_path / "run")
    assert (run.chosen, run.config.model.options["tokens"]) == ({"tokens": "auto-clusters"}, "auto")
    tokenizer = run.tokenizer()
    assert tokenizer and tokenizer.known_share(["ดีที่สุด"]) == 1.0
    # A training that goes on from these weights splits as they do, whatever its texts are.
    more = config(tmp_path)
    english = tmp_path / "english.csv"
    lines = [f"a {'fine' if n % 2 else 'poor'} film {n},{n % 2}" for n in range(60)]
    english.write_text("\n".join(["text,label", *lines]) + "\n")
    more = more.model_copy(update={"data": more.data.model_copy(update={"source": str(english)})})
    data = load_data(more.data)
    start = Extras(start_from=StartFrom(tmp_path / "run", layers=("embedding*",)))
    session = Session(create_run(more, data, tmp_path / "more"), data, extras=start)
    assert session.run.chosen == {"tokens": "auto-clusters"}


def test_a_run_without_the_choice_splits_as_before(tmp_path: Path, text_run: Path) -> None:
    record = json.loads((text_run / "run.json").read_text("utf-8"))
    assert "chosen" not in record, "nothing was chosen for English and Chinese texts"
    settings = config(tmp_path)
    data = load_data(settings.data)
    run = create_run(settings, data, tmp_path / "run")
    (run.path / "vocabulary.txt").write_text("<pad>\n<unk>\nดี\n", "utf-8")
    session = Session(run, data)
    assert session.run.chosen == {}
    tokenizer = session.run.tokenizer()
    assert tokenizer and tokenizer.known_share(["ดีมาก", "ดี"]) == 0.5
