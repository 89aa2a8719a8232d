"""The file of a stream study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import ConfigError
from modelwright.learning.registry import strategy_names
from modelwright.streams.plan_file import read_stream_plan


def content(**stream: Any) -> dict[str, Any]:
    return {
        "data": {"source": "x.csv"},
        "model": {"recipe": "text-fast"},
        "stream": {"domains": "category", **stream},
    }


def test_defaults_and_names(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\n", "utf-8")
    path = tmp_path / "shop.toml"
    path.write_text(
        '[data]\nsource = "x.csv"\n[model]\nrecipe = "text-fast"\n[stream]\ndomains = "category"\n',
        "utf-8",
    )
    plan = read_stream_plan(path)
    assert plan.name == "shop"
    assert plan.config.data.source == str(tmp_path / "x.csv")
    assert (plan.orders, plan.seeds, plan.keep) == (5, (0, 1, 2), 0.05)
    assert plan.strategies == tuple(strategy_names())
    assert plan.config_for(7).train.seed == 7


def test_keep_is_a_share_or_a_number() -> None:
    share, number = read_stream_plan(content(keep=0.2)).keep, read_stream_plan(content(keep=1)).keep
    assert isinstance(share, float)
    assert isinstance(number, int)


def test_settings_tell_what_the_figures_depend_on() -> None:
    first, second = read_stream_plan(content()), read_stream_plan(content(keep=0.1))
    before, now = first.settings(["a", "b"]), second.settings(["a", "b"])
    assert {key for key in before if before[key] != now[key]} == {"stream.keep"}
    assert "data.source" not in before
    assert "train.seed" not in before


def test_domains_with_a_source_each(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n", "utf-8")
    file = tmp_path / "two.toml"
    file.write_text(
        '[model]\nrecipe = "text-fast"\n[[stream.domain]]\nname = "书籍"\nsource = "a.csv"\n'
        '[[stream.domain]]\nname = "b"\nsource = "imdb"\n',
        "utf-8",
    )
    plan = read_stream_plan(file)
    assert plan.domains.sources == {"书籍": str(tmp_path / "a.csv"), "b": "imdb"}
    assert plan.config.data.source == [str(tmp_path / "a.csv"), "imdb"]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ({"strategies": ["replays"]}, "no strategy 'replays'.*Did you mean 'replay'"),
        ({"strategies": ["naive", "naive"]}, "'naive' twice"),
        ({"seeds": [1, 1]}, "1 twice"),
        ({"keep": 0}, "'stream.keep' was given 0"),
        ({"keep": 1.5}, "'stream.keep' was given 1.5"),
        ({"keep": 1.0}, "'stream.keep' was given 1.0; expected a number above 0 and below 1 or an"),
        ({"keep": True}, "'stream.keep' was given True"),
        ({"seeds": [True]}, r"'stream.seeds' was given \[True\]"),
        ({"orders": True}, "'stream.orders' was given True"),
        ({"classes": 2}, "has domains and classes"),
        ({"orders": [["a", "a"]]}, "'a' twice"),
        ({"order": 3}, "unknown key 'stream.order'.*'orders'"),
        ({"strength": {"alfa": 1}}, "unknown key 'stream.strength.alfa'.*'alpha'"),
        ({"strength": {"temperature": 0}}, "'stream.strength.temperature' was given 0"),
    ],
)
def test_a_key_of_the_stream_that_cannot_be(stream: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_stream_plan(content(**stream))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stream": 3}, "expected a table"),
        ({"stream": {"classes": 1}}, "'stream.classes' was given 1"),
        ({"stream": {"orders": 2}}, "has no domains"),
        ({"stream": {"domain": [{"name": "a", "source": "b"}]}}, "leave data.source out"),
        ({"train": {"seed": 3}}, "expected 'stream.seeds'"),
        ({"data": {"source": "x.csv", "limit": 9}}, "expected 'stream.limit'"),
        ({"steam": {}}, "unknown key 'steam'. Did you mean 'stream'.*cluster, name, stream.$"),
        ({"data": "x.csv"}, r"'data' was given 'x.csv'; expected a table: data\.KEY\.$"),
        ({"cluster": {}}, "learned by one process"),
    ],
)
def test_a_file_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_stream_plan({**content(), **changed})


def test_sources_of_domains_are_checked() -> None:
    one = {"name": "a", "source": "b"}
    for domain, message in (
        ([one, one], "two domains are named 'a'"),
        ([one], "there is one domain, 'a'"),
        ([one, {"name": "c"}], "'stream.domain.2.source' is missing"),
        ([one, {"name": "c", "source": "b"}], "domains 'a' and 'c' have one source, b; expected"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_stream_plan({"model": {"recipe": "text-fast"}, "stream": {"domain": domain}})
