"""The page on streams says what the program does, in both languages."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from modelwright.core.config import Table
from modelwright.learning.lesson import Strength
from modelwright.learning.registry import strategy_names
from modelwright.streams.plan_file import StreamTable, StrengthTable, read_stream_plan
from test_docs import fences, rows_under

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "stream.md", ROOT / "docs" / "zh" / "stream.md"]


@pytest.mark.parametrize("path", PAGES, ids=str)
@pytest.mark.parametrize(("key", "kind"), [("stream", StreamTable), ("strength", StrengthTable)])
def test_every_key_is_there_with_its_default(path: Path, key: str, kind: type[Table]) -> None:
    expected = {}
    for name, info in kind.model_fields.items():
        value = info.get_default(call_default_factory=True)
        expected[name] = "—" if value is None else f"`{json.dumps(value)}`"
    assert rows_under(path, key) == expected


def test_the_strengths_of_a_file_are_those_of_a_lesson() -> None:
    assert StrengthTable().model_dump() == vars(Strength())


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_the_studies_of_the_page_are_studies(path: Path) -> None:
    shown = [tomllib.loads(text) for kind, text in fences(path) if kind == "toml"]
    whole = [one for one in shown if "model" in one]
    assert len(whole) > 1
    for one in whole:
        assert read_stream_plan(one).strategies
    domains = next(one for one in shown if "model" not in one)
    plan = read_stream_plan({**domains, "model": {"recipe": "text-fast"}})
    assert plan.domains.sources == {"books": "books.csv", "hotels": "hotels.csv"}


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_strategy_is_on_the_page(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not [name for name in strategy_names() if f"| `{name}` |" not in text]
