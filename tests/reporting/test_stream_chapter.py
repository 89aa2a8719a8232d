"""The page of a stream: its sections, its figures, what is missing, and hostile names."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelwright
from kept_runs import EVIL, RTL
from modelwright.core.errors import ConfigError, ModelwrightError, RunError
from modelwright.learning.registry import BUILT_IN, find_strategy
from modelwright.reporting.stream_file import COLUMN, drawn_at_random, stream_file
from modelwright.reporting.translations import CHINESE
from modelwright.streams.orders import draw_orders
from modelwright.streams.plan_file import read_stream_plan
from modelwright.streams.stream_record import StreamRecord
from stream_records import DOMAINS, base_config, strategy_json, stream_json

Cli = Callable[..., tuple[int, str, str]]
SECTIONS = ["card", "figures", "curves", "losses", "costs", "orders", "settings", "lineage",
            "repeating"]  # fmt: skip


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(content: dict[str, Any], folder: str = "streams/shop") -> Path:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / "stream.json").write_text(json.dumps(content), "utf-8")
    return path


def page(content: dict[str, Any], lang: str = "en") -> str:
    """The page about a stream with this record."""
    return modelwright.report(write(content), "page.html", lang, force=True).file.read_text("utf-8")


def shown(content: str, section: str) -> str:
    """The text of one section, with spaces for tags."""
    found = re.search(rf'<section id="[\w-]*{section}".*?</section>', content, re.DOTALL)
    assert found, section
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def code(content: str) -> str:
    """The last commands of a page, as a reader copies them."""
    import html

    return html.unescape(re.findall(r"<code>(.*?)</code>", content, re.DOTALL)[-1])


def test_a_page_has_every_section_and_the_figures() -> None:
    content = page(stream_json())
    assert re.findall(r'<section id="([\w-]+)"', content) == SECTIONS
    card = shown(content, "card")
    assert "3 domains, one in each step" in card and "8 of 8 measured" in card
    assert "training rows 9,510, test rows 6,237" in card and "5.00 % of the rows seen" in card
    figures = shown(content, "figures")
    assert "naive 4 / 4 80.00 % 79.00 to 81.00 2.50 1.50 to 3.50 — —" in figures
    assert "replay 4 / 4 83.00 % 82.00 to 84.00 2.50 1.50 to 3.50 61 % 40 to 78" in figures
    assert "replay +3.00 2.50 to 3.50 85.00 % 3.10 2.10 to 4.10 -2.50 +43.00 86.00 %" in figures
    assert "over 2 orders, whose seeds are averaged" in figures
    assert "2 80.99 %" not in figures
    assert "2 81.00 % 84.00 %" in shown(content, "curves")
    losses = shown(content, "losses")
    assert "The largest loss is 6.91 points: naive, books." in losses
    assert "fruit +0.40 +0.40" in losses
    assert "replay kept rows 431 5.00 % 83.6 5.6 what replay does" in shown(content, "costs")
    assert "1 fruit, hotels, books" in shown(content, "orders")
    assert "random seeds 0, 1" in shown(content, "orders")
    assert "keras 3.15.1" in shown(content, "lineage")
    assert "modelwright stream shop.toml --out streams/shop" in shown(content, "repeating")
    # Each drawing says what it shows and has its figures in a table behind it.
    assert content.count("<svg") == content.count("<desc>") == 4
    for after in re.split(r"</figure>", content)[1:]:
        assert re.match(r"\s*(<details><summary>.*?</summary>)?<div class=\"scroll\"", after)
    assert content.count('class="curve c') == 2


def test_the_chinese_page_says_the_same_in_chinese() -> None:
    record = stream_json(notes=[], missing=1, status="stopped",
                         missing_cells=[{"order": 2, "seed": 1, "strategy": "replay"}])  # fmt: skip
    english, chinese = page(record), page(record, "zh")
    numbers = [
        re.findall(r"-?\d+\.\d\d", re.sub(r"<[^>]+>", " ", one)) for one in (english, chinese)
    ]
    assert sorted(numbers[0]) == sorted(numbers[1])
    assert "比 naive 少衰减" in chinese and "尚未测量的单元" in chinese
    body = re.sub(r"<style>.*?</style>|<script>.*?</script>|<pre.*?</pre>", "", chinese, flags=re.S)
    body = re.sub(r'<bdi lang="en">.*?</bdi>', "", body)
    left = re.findall(r"[a-z]{4,} [a-z]{3,}", re.sub(r"<[^>]+>", " | ", body))
    assert left == []


def test_every_built_in_strategy_is_described_in_chinese() -> None:
    for name in BUILT_IN:
        assert find_strategy(name).summary in CHINESE, name
    for text in ("new rows", "kept rows", "its own state", "all old rows"):
        assert text in CHINESE


def test_an_unfinished_stream_names_the_missing_cells() -> None:
    cells = [{"order": order, "seed": 1, "strategy": "replay"} for order in (1, 2)]
    record = stream_json(
        strategy_json("naive", 0.8),
        strategy_json("replay", 0.83, cells=2),
        strategy_json("joint", None),
        status="stopped",
        missing=6,
        missing_cells=[*cells, *({**one, "strategy": "joint", "seed": 0} for one in cells)],
        failures=[f"joint, order 1, seed 1: {EVIL}"],
    )
    content = page(record)
    assert "Cells still to come: 6 of 12." in shown(content, "card")
    assert "A cell failed: joint, order 1, seed 1" in shown(content, "card")
    missing = shown(content, "missing")
    assert "replay 1 1, 2" in missing and "joint 0 1, 2" in missing
    assert "replay 2 / 4" in shown(content, "figures")
    written = modelwright.report("streams/shop", "other.html")
    assert written.missing == ("shop: 6 of 12 cells are not measured yet",)
    assert EVIL not in content
    # Earlier versions recorded only their number.
    content = page({**record, "missing_cells": []})
    assert "The record does not name them" in shown(content, "missing")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_stream_without_figures(lang: str) -> None:
    naive = strategy_json("naive", None)
    content = page(stream_json(naive, status="stopped", missing=4, machines=[], date=""), lang)
    assert "<svg" not in content
    assert shown(content, "figures").count("No cell was measured yet." if lang == "en" else "单元")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_one_order_one_seed_and_no_naive(lang: str) -> None:
    alone = {"value": 0.83, "low": None, "high": None}
    names = ("average", "learned", "accuracy", "forgetting", "backward", "forward", "decay")
    one = strategy_json("replay", 0.83, cells=1, difference=None, less_decay=None,
                        losses={"fruit": 0.01, "hotels": 0.0},
                        **dict.fromkeys(names, alone))  # fmt: skip
    content = page(stream_json(one, orders=[["fruit", "hotels", "books"]], seeds=[0]), lang)
    if lang == "en":
        assert "naive was not measured" in shown(content, "figures")
        assert "over 1 seeds" in shown(content, "figures")
        assert "No mean loses anything." in shown(content, "losses")
    assert "hotels 84.00 %" in shown(content, "curves")  # steps have names where all have the same


def test_hostile_names_are_shown_as_text() -> None:
    names = [EVIL, f"a{RTL}", "長" * 5000]
    losses = dict.fromkeys(names, -0.01)
    record = stream_json(
        strategy_json("naive", 0.8, losses=losses),
        strategy_json(EVIL, 0.9, losses=losses, summary=EVIL),
        name=EVIL, domains=names, orders=[names], source=EVIL, notes=[EVIL], recipe=EVIL,
        failures=[EVIL], settings={"domains": EVIL},
    )  # fmt: skip
    for lang in ("en", "zh"):
        content = page(record, lang)
        assert EVIL not in content and "&lt;script&gt;document" in content
        assert "長" * 100 not in shown(content, "card")
        assert RTL not in re.sub(r"<bdi>.*?</bdi>|<text.*?</text>", "", code(content))


def test_the_file_on_the_page_gives_the_same_study() -> None:
    config = base_config(model={"length": 128}, data={"source": "reviews.csv", "label": "stars"})
    drawn = [list(order.names) for order in draw_orders(2, DOMAINS)]
    sources = {"books": "books.csv", 'quo"ted': "h.csv"}
    several = config.data.model_copy(update={"source": list(sources.values())})
    cases: list[dict[str, Any]] = [
        {},
        {"orders": drawn},
        {"settings": {"strength": {"penalty": 7.5}, "grow_tokens": True, "rate": 0.01}},
        {"classes": 2, "domains": ["a", "b", "c"], "orders": [["c + a", "b"]], "keep": 200},
        {"settings": {"domains": None, "sources": sources}, "domains": list(sources),
         "orders": [list(sources)],
         "config": config.model_copy(update={"data": several}).model_dump(mode="json")},
    ]  # fmt: skip
    for changes in cases:
        content = stream_json(**{"config": config.model_dump(mode="json"), **changes})
        record = StreamRecord.model_validate(content)
        plan = read_stream_plan(tomllib.loads(code(page(content))))
        found = plan.config.model_dump(mode="json")
        found["train"]["seed"] = record.config["train"]["seed"]
        assert found == record.config
        assert (plan.seeds, plan.keep, plan.limit) == (record.seeds, record.keep, 1000)
        assert list(plan.strategies) == [one.name for one in record.strategies]
        assert plan.domains.classes == record.classes
        assert dict(plan.domains.sources) == record.settings["sources"]
        assert plan.strength.items() >= record.settings["strength"].items()
        assert plan.grow_tokens == record.settings["grow_tokens"]
        assert plan.rate == record.settings["rate"]
        if drawn_at_random(record):
            assert plan.orders == len(record.orders)
        elif record.classes is None:
            assert plan.orders == record.orders
        else:
            assert plan.orders == (("c", "a", "b"),)
    assert drawn_at_random(StreamRecord.model_validate(stream_json(orders=drawn)))


def test_the_column_of_an_earlier_record_is_asked_for() -> None:
    content = stream_json()
    del content["settings"]["domains"], content["settings"]["sources"]
    made = page(content)
    assert f"Write it in place of {COLUMN}." in shown(made, "repeating")
    assert tomllib.loads(code(made))["stream"]["domains"] == COLUMN
    unknown = {**content["config"], "recipe": "gone"}
    record = StreamRecord.model_validate({**content, "config": unknown})
    assert stream_file(record) is None
    assert "cannot be written" in shown(page({**content, "config": {}}), "repeating")


def test_a_stream_and_what_is_none(cli: Cli) -> None:
    folder = write(stream_json())
    assert cli("report", folder / "stream.json", folder, "-o", "two.html", "-q")[0] == 0
    Path("bare/cells").mkdir(parents=True)
    whole = json.dumps(stream_json())
    torn = {
        "torn": whole[:500],
        "number": whole.replace('"cells": 4', '"cells": "many"'),
        "endless": whole.replace('"value": 0.8,', '"value": Infinity,'),
        "empty": json.dumps(stream_json(orders=[])),
        "future": whole.replace('"format": 1', '"format": 2'),
        "other": '{"kind": "other"}',
    }
    for name, text in torn.items():
        Path(name).mkdir()
        Path(name, "stream.json").write_text(text)
    cases: dict[str, tuple[str, type[ModelwrightError]]] = {
        "bare": ("no stream.json, .*go on with it: modelwright stream", ConfigError),
        "torn": ("cannot be read as a stream's JSON", RunError),
        "number": (r"not a stream as modelwright stream writes it: 'strategies.0.cells'", RunError),
        "endless": (r"'strategies.0.average.value': Input should be a finite number", RunError),
        "empty": ("'orders': Tuple should have at least 1 item", RunError),
        "future": ("has format 2; this version reads 1", RunError),
        "other": ("is no study, no search and no stream", RunError),
    }
    for place, (said, kind) in cases.items():
        with pytest.raises(kind, match=said):
            modelwright.report(place, "x.html")
        status, out, err = cli("report", place, "-o", "x.html", "-q")
        assert (status, out, err.count("\n")) == (kind.exit_code, "", 1)


def test_very_much_stays_small_and_it_says_so() -> None:
    names = [f"domain {number:04}" for number in range(300)]
    losses = {name: -0.001 * at for at, name in enumerate(names)}
    curve = [0.8] * 300
    strategies = [
        strategy_json(f"s{number:02}", 0.8, losses=losses, curve=curve) for number in range(12)
    ]
    record = stream_json(*strategies, domains=names, orders=[names] * 60)
    content = page(record)
    assert len(content) < 500_000
    assert "Only the first 40 of 300 are drawn." in shown(content, "losses")
    assert "The first 50 of 60." in shown(content, "orders")
    assert "and 280 more" in shown(content, "card")
    assert "too long for this page" in shown(content, "repeating")
