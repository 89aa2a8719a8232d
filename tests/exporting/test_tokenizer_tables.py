"""The tokenizer for serving gives the same tokens and ids as the tokenizer in the graph."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ServableError
from modelwright.exporting.tokenizer_examples import TEXTS, VECTORS, write_tokenizer_examples
from modelwright.exporting.tokenizer_tables import write_tokenizer_tables
from modelwright.models import graph_tokenizer
from modelwright.models.options import TextOptions
from modelwright.servable.tokenizer import TOKENIZER, VOCABULARY, ServingTokenizer, read_tokenizer

TOKENS = ["<pad>", "<unk>", "a", "b", "good", "bad", "好", "差", "σ", "ς", "好 差", "a b"]
KINDS = [
    {"tokens": "word", "length": 8},
    {"tokens": "auto", "length": 8, "keep": "start"},
    {"tokens": "auto", "length": 12, "ngrams": 3},
    {"tokens": "char", "length": 16},
    {"tokens": "auto-clusters", "length": 16, "ngrams": 2},
    {"tokens": "char-clusters", "length": 16},
]
# Ranges with special code points: letters with cases, marks, joiners, full width, emoji.
POOLS = [
    *(range(first, last) for first, last in ((0x01, 0x7F), (0x80, 0x250), (0x2B0, 0x300))),
    *(range(first, last) for first, last in ((0x300, 0x370), (0x370, 0x530), (0x590, 0x700))),
    *(range(first, last) for first, last in ((0x900, 0x980), (0x1E00, 0x2000), (0x2000, 0x2100))),
    *(range(first, last) for first, last in ((0x2100, 0x2C00), (0x3000, 0x3100), (0xFE00, 0xFF00))),
    *(range(first, last) for first, last in ((0x4E00, 0x9FFF), (0xAC00, 0xAD00), (0xFF00, 0xFFEF))),
    *(range(first, last) for first, last in ((0x1F100, 0x1F300), (0x1F300, 0x1FB00))),
    [ord(letter) for letter in "ΑΣσςΣΣΣ ab'’·.:\u00ad\u0345ʰ"],
    [0xFE0F, 0x200D, 0x1F468, 0x1F469, 0x2764, 0x20E3, 0x1F3FD],
    *(range(first, last) for first, last in ((0xE00, 0x1100), (0x1780, 0x1800), (0x1950, 0x1C00))),
    *(range(first, last) for first, last in ((0xA9E0, 0xAAE0), (0x3099, 0x30FF), (0xFF60, 0xFFA0))),
    [*range(0xE0100, 0xE0110), *range(0x2EBF0, 0x2EC00), *range(0x31350, 0x31360), 0x845B, 0x20],
    [ord(letter) for letter in "ดีที่ำ ກຳ ខ្មែ မြန် aé\u0301\u0e33"],
    [ord(letter) for letter in "<>br/!&;amp#39 a"],
    [point for point in range(0x110000) if not 0xD800 <= point < 0xE000],
]


def both(
    folder: Path, **options: object
) -> tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer]:
    """Returns the tokenizer in the graph, and the one that reads a servable's files."""
    chosen = TextOptions.model_validate({"vocabulary": 100, **options})
    path = folder / VOCABULARY
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(TOKENS) + "\n", "utf-8")
    write_tokenizer_tables(folder, chosen)
    return graph_tokenizer.GraphTokenizer(chosen, path), read_tokenizer(folder)


@pytest.fixture(scope="module", params=range(len(KINDS)), ids=lambda at: KINDS[at]["tokens"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer]:
    return both(tmp_path_factory.mktemp("rules"), **KINDS[request.param])


def different(
    pair: tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer], texts: list[str]
) -> list[str]:
    """Returns the texts for which the two give different tokens or ids."""
    inside, outside = pair
    split = graph_tokenizer.split_tokens(tf.constant(texts, tf.string), inside.options).to_list()
    numbered = inside.encode(texts)
    served = outside.encode(texts)
    return [
        text
        for text, tokens, row, other in zip(texts, split, numbered, served, strict=True)
        if [token.decode() for token in tokens] != outside.tokens(text)
        or not np.array_equal(row, other)
    ]


def random_texts(count: int, seed: int) -> list[str]:
    """Returns texts of code points from one to three pools each."""
    random = np.random.default_rng(seed)
    pools = [np.array(pool) for pool in POOLS]
    texts = []
    for _ in range(count):
        chosen = random.choice(len(pools), random.integers(1, 4), replace=False)
        length = random.choice([1, 2, 3, 5, 10, 30, 100])
        points = np.stack([random.choice(pools[at], length) for at in chosen])
        taken = points[random.integers(0, len(chosen), length), np.arange(length)]
        texts.append("".join(map(chr, taken)))
    return texts


# The tokenizer in the graph takes many texts in hardly more time than one.
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=1, max_size=20
    )
)
@example([""])
@example(["ΟΔΥΣΣΕΥΣ Σ ΑΣ' ΑΣ'Α İ"])
@example(["a\x00b\x1f\x85\u2028\u200b\ufffe"])
def test_any_text_has_the_same_tokens_and_ids(
    pair: tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer], texts: list[str]
) -> None:
    assert different(pair, texts) == []


def test_texts_of_special_characters_have_the_same_tokens_and_ids(
    pair: tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer],
) -> None:
    assert different(pair, [*random_texts(3000, seed=0), *TEXTS, "very long 好 " * 9000]) == []


def misplaced(tokenizer: ServingTokenizer, text: str) -> list[str]:
    """Returns what is wrong with the places of a text's tokens."""
    located = tokenizer.locate(text)
    row = tokenizer.encode([text], shortest=True)[0].tolist()
    problems = []
    if ([one.id for one in located] or [1]) != row:
        problems.append(f"other ids: {located} for {row}")
    words = tokenizer.locate_words(text)
    found = [word for word, _, _ in words]
    if found != tokenizer.tokens(text)[: len(found)]:
        problems.append(f"other words: {words}")
    reached = (0, 0)
    for word, start, end in words:
        if not (0 <= start < end <= len(text) and reached[0] <= start and reached[1] <= end):
            problems.append(f"{word!r} is at {start} to {end}, after {reached}")
        reached = (start, end)
        if "Σ" not in text and word not in tokenizer.tokens(text[start:end]):
            problems.append(f"{word!r} is not {text[start:end]!r}")
    starts = {start for _, start, _ in words}
    ends = {end for _, _, end in words}
    for one in located:
        if one.start not in starts or one.end not in ends:
            problems.append(f"{one} does not reach from one word to another")
    return problems


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@example("<b>Good</b>&amp;ＢＡＤ don't ΟΔΥΣΣΕΥΣ İx")
@example("👨\u200d👩\u200d👧❤\ufe0f1\ufe0f\u20e3")
def test_the_places_of_tokens_in_any_text(
    pair: tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer], text: str
) -> None:
    assert misplaced(pair[1], text) == []


def test_the_places_of_tokens_in_texts_of_special_characters(
    pair: tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer],
) -> None:
    texts = [*random_texts(200, seed=2), *TEXTS, "very long 好 " * 100]
    assert [problem for text in texts for problem in misplaced(pair[1], text)] == []


def test_the_places_of_some_tokens(tmp_path: Path) -> None:
    _, tokenizer = both(tmp_path, tokens="auto", length=16, ngrams=2)
    text = "<i>Don't</i> ＧＯＯＤ， 很好"
    places = [(one.token, text[one.start : one.end]) for one in tokenizer.locate(text)]
    assert places == [
        ("dont", "Don't"),
        ("good", "ＧＯＯＤ"),
        ("很", "很"),
        ("好", "好"),
        ("dont good", "Don't</i> ＧＯＯＤ"),
        ("good 很", "ＧＯＯＤ， 很"),
        ("很 好", "很好"),
    ]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [("start", ["a", "b", "good"]), ("end", ["b", "good", "bad"])],
)
def test_a_text_that_is_too_long_is_located_where_it_is_read(
    tmp_path: Path, keep: str, expected: list[str]
) -> None:
    _, tokenizer = both(tmp_path, tokens="word", length=8, keep=keep)
    text = "a b good bad"
    tokenizer.length = 3
    located = tokenizer.locate(text)
    assert [text[one.start : one.end] for one in located] == expected
    assert [one.id for one in located] == tokenizer.encode([text])[0].tolist()


@pytest.mark.slow
def test_two_hundred_thousand_texts_and_all_real_reviews(
    pair: tuple[graph_tokenizer.GraphTokenizer, ServingTokenizer], real_data: Path
) -> None:
    texts = random_texts(50_000, seed=1)
    for path in sorted([*(real_data / "imdb").glob("*.csv"), *(real_data / "zh").rglob("*.csv")]):
        with path.open(newline="", encoding="utf-8") as file:
            texts += [
                max(row.values(), key=lambda cell: len(str(cell))) for row in csv.DictReader(file)
            ]
    assert len(texts) > 150_000  # for each of the four ways to split
    for start in range(0, len(texts), 2000):
        assert different(pair, texts[start : start + 2000]) == []


def test_the_test_vectors_are_what_both_tokenizers_give(tmp_path: Path) -> None:
    inside, outside = both(tmp_path, tokens="auto", length=400)
    write_tokenizer_examples(tmp_path, inside)
    lines = (tmp_path / VECTORS).read_text("utf-8").split("\n")[:-1]
    records = [json.loads(line) for line in lines]
    assert [record["text"] for record in records] == list(TEXTS)
    for record in records:
        assert outside.tokens(record["text"]) == record["tokens"]
        assert outside.encode([record["text"]], shortest=True)[0].tolist() == record["ids"]
    assert records[0] == {"text": "", "tokens": [], "ids": [1]}
    assert max(len(record["ids"]) for record in records) == 400


@pytest.mark.parametrize("tokens", ["word", "auto", "char"])
def test_the_first_format_is_written_and_read_where_tokens_are_no_clusters(
    tmp_path: Path, tokens: str
) -> None:
    _, outside = both(tmp_path, tokens=tokens, length=8)
    record = json.loads((tmp_path / TOKENIZER).read_text("utf-8"))
    assert record["format"] == 1 and "clusters" not in record
    expected = {"word": ["ดีที่สุด"], "auto": ["ดีที่สุด"], "char": list("ดีที่สุด")}
    assert outside.tokens("ดีที่สุด") == expected[tokens]


def test_clusters_have_a_format_that_an_older_reader_refuses(tmp_path: Path) -> None:
    _, outside = both(tmp_path, tokens="auto-clusters", length=8)
    assert json.loads((tmp_path / TOKENIZER).read_text("utf-8"))["format"] == 2
    assert outside.tokens("ดีที่สุด OK") == ["ดี", "ที่", "สุ", "ด", "ok"]


def test_shortest_pads_to_the_longest_text(tmp_path: Path) -> None:
    _, outside = both(tmp_path, tokens="word", length=8)
    assert outside.encode(["a b", "good"], shortest=True).tolist() == [[2, 3], [4, 0]]
    assert outside.encode(["a b", "good"]).shape == (2, 8)
    assert outside.encode(["a " * 20], shortest=True).shape == (1, 8)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    both(tmp_path / "one")
    rules_file = tmp_path / "one" / TOKENIZER
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with (tmp_path / "two" / VOCABULARY).open("a", encoding="utf-8") as file:
        file.write("more\n")
    with pytest.raises(ServableError, match="is not the vocabulary that .* was written for"):
        read_tokenizer(tmp_path / "two")
    record = json.loads(rules_file.read_text("utf-8"))
    for change, message in (
        ({"format": 9}, "has format 9; this version reads 1 and 2. Install a later version"),
        ({"remove": ["("]}, "cannot be read"),
        ({"characters": {}}, "cannot be read: KeyError"),
    ):
        rules_file.write_text(json.dumps({**record, **change}), "utf-8")
        with pytest.raises(ServableError, match=message):
            read_tokenizer(tmp_path / "one")
    rules_file.unlink()
    with pytest.raises(ServableError, match="cannot be read: FileNotFoundError"):
        read_tokenizer(tmp_path / "one")
