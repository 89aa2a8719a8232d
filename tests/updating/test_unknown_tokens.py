"""New texts of which a model knows few tokens or none: what the report says, and what is added."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from hand_made import base_model, stored

from modelwright.updating.tokens import Tokens, choose_vocabulary, note_unlearned_tokens

KNOWN = [f"w{number}" for number in range(38)]


def choose(folder: Path, texts: list[str]) -> tuple[Tokens, list[str]]:
    base = base_model(folder)
    assert base.vocabulary is not None
    base.vocabulary.parent.mkdir(parents=True)
    base.vocabulary.write_text("\n".join(["<pad>", "<unk>", *KNOWN]) + "\n", "utf-8")
    rows = stored(texts, [0] * len(texts), [0] * len(texts)).rows(None)
    found = choose_vocabulary(base, rows, folder / "new.txt")
    return found, (folder / "new.txt").read_text("utf-8").split("\n")[2:-1]


def test_random_words_are_never_added_and_the_report_says_what_would_be(tmp_path: Path) -> None:
    texts = [" ".join(f"x{row}y{column}" for column in range(33)) for row in range(30)]
    texts += ["w1 w2 w3 w4 w5"] * 2
    found, lines = choose(tmp_path, texts)
    assert (found.before, found.after, lines) == (40, 40, KNOWN)
    assert found.note.startswith("warning: is this the language that the model was trained on?")
    assert "99.0% of the tokens are unknown; with 0 new tokens 99.0%; none is added" in found.note
    assert "only if at least 1% of the tokens become known, by tokens that 3 texts" in found.note
    assert found.note.endswith("can learn little, so train a model of its own on them")


def test_another_language_is_added_up_to_a_quarter_of_the_vocabulary(tmp_path: Path) -> None:
    found, lines = choose(tmp_path, [" ".join(f"word{n}" for n in range(20))] * 3)
    assert (found.before, found.after) == (40, 50)
    assert lines == [*KNOWN, *sorted(f"word{n}" for n in range(20))[:10]]
    assert found.note.startswith("warning: is this the language")
    assert "100.0% of the tokens are unknown; with 10 new tokens 50.0%, so they are" in found.note
    assert found.note.endswith("; more than a quarter of its own 40 are never added")


@pytest.mark.parametrize(("share", "added"), [(1, False), (3, True)])
def test_a_percent_of_all_tokens_is_worth_new_ones(tmp_path: Path, share: int, added: bool) -> None:
    known = " ".join(KNOWN[:25])
    found, lines = choose(tmp_path, [*[f"{known} fresh"] * share * 4, *[known] * (24 - share * 4)])
    assert ("fresh" in lines) is added
    assert "warning" not in found.note
    assert ("so they are added" in found.note) is added
    assert ("none is added, because" in found.note) is not added


def test_a_strategy_that_leaves_the_vectors_says_that_new_tokens_stay_unknown() -> None:
    inputs = keras.Input((4,), dtype="int32")
    embedding = keras.layers.Embedding(6, 2)
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(embedding(inputs)))
    network, tokens = keras.Model(inputs, outputs), Tokens(4, 6, "")
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    table[4:] = table[1]
    embedding.set_weights([table])
    [note] = note_unlearned_tokens(network, "head", tokens)
    assert note.startswith("head: the vectors of tokens did not learn")
    assert "reads the 2 new tokens as unknown" in note
    table[5] += 1
    embedding.set_weights([table])
    assert note_unlearned_tokens(network, "replay", tokens) == ()
    assert note_unlearned_tokens(network, "replay", Tokens(6, 6, "")) == ()
