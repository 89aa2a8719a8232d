"""Vocabularies and token ids that are kept between trainings: only where nothing else differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core.config import Config
from modelwright.core.kept import kept_between_trainings
from modelwright.core.types import Dataset
from modelwright.data.load import load_data
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import create_run
from modelwright.training.batches import encode_rows
from modelwright.training.vocabulary import learn_vocabulary


@pytest.fixture(scope="module")
def data(reviews: Path) -> Dataset:
    return load_data(config_of(reviews, "textcnn").data)


def config_of(source: Path | str, recipe: str, **model: Any) -> Config:
    return resolve_config(
        options={"data": {"source": str(source)}, "model": {"recipe": recipe, **model}}
    )


def prepared(data: Dataset, folder: Path, **model: Any) -> tuple[bytes, Any, list[str]]:
    """Returns the vocabulary and the ids of the training rows, and the steps that it took."""
    steps: list[str] = []

    def progress(what: str, done: int, total: int) -> None:
        steps.append(what)

    rows = data.splits["train"].inputs
    run = create_run(config_of(data.source, "textcnn", **model), data, folder)
    run = learn_vocabulary(run, [rows], None, progress)
    ids = encode_rows(rows, run.tokenizer(), progress)
    return (folder / "vocabulary.txt").read_bytes(), ids.array, steps


OPTIONS: list[dict[str, Any]] = [
    {"length": 12},
    {"length": 4},
    {"length": 4, "keep": "start"},
    {"length": 4, "vocabulary": 20},
    {"length": 4, "ngrams": 2},
    {"length": 4, "tokens": "char"},
]


def test_each_option_of_the_tokenizer_has_its_own_ids(data: Dataset, tmp_path: Path) -> None:
    alone = [prepared(data, tmp_path / f"alone{i}", **one) for i, one in enumerate(OPTIONS)]
    assert len({(words, ids.tobytes()) for words, ids, _ in alone}) == len(OPTIONS)
    with kept_between_trainings(100):
        for turn in range(2):
            for number, options in enumerate(OPTIONS):
                folder = tmp_path / f"kept{turn}-{number}"
                words, ids, steps = prepared(data, folder, **options, dropout=0.1 * turn)
                assert words == alone[number][0]
                assert np.array_equal(ids, alone[number][1])
                if turn:
                    assert not steps, "another dropout changes no token"
                else:
                    assert "encoding" in steps


def test_other_rows_have_their_own_ids(data: Dataset, tmp_path: Path) -> None:
    with kept_between_trainings(100):
        prepared(data, tmp_path / "one")
        other = load_data(config_of(data.source, "textcnn").data.model_copy(update={"limit": 50}))
        words, ids, steps = prepared(other, tmp_path / "other")
    assert len(ids) == len(other.splits["train"]) < len(data.splits["train"])
    assert {"learning the vocabulary", "encoding"} <= set(steps)
    assert words == prepared(other, tmp_path / "alone")[0]
