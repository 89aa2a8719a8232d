"""Runners by name: the built-in ones, those of other packages, and what is refused."""

from __future__ import annotations

from importlib import util
from typing import Any

import pytest

from modelwright.core import plugins
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.trials.local_runner import LocalRunner
from modelwright.trials.registry import choose_runner, make_runner, runner_names


def register(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Registers a runner named ``own``."""
    monkeypatch.setattr(plugins, "find_plugin", lambda group, name: {"own": found}.get(name))
    monkeypatch.setattr(plugins, "plugin_names", lambda group: ["own"])


def test_a_runner_is_made_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = make_runner("local", 3, growth_mib=1)
    assert isinstance(runner, LocalRunner)
    assert (runner.slots, runner.started) == (3, 0)
    register(monkeypatch, lambda workers: LocalRunner(workers + 1))
    assert make_runner("own", 2).slots == 3
    assert runner_names() == ["local", "ray", "own"]


def test_what_is_no_runner_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no runner 'locl'.*'local'.*Expected one of local, ray"):
        make_runner("locl")
    with pytest.raises(ConfigError, match="0 workers were given; expected at least 1"):
        make_runner("local", 0)
    register(monkeypatch, "text")
    with pytest.raises(ConfigError, match="'own' in 'modelwright.runners' is 'text'; expected a"):
        make_runner("own")
    register(monkeypatch, lambda workers: workers)
    with pytest.raises(ConfigError, match="gives 1; expected an object with slots, start"):
        make_runner("own")
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[ray\]'"):
        make_runner("ray")


def test_a_user_chooses_a_runner_or_this_process() -> None:
    assert choose_runner(None, None) is None
    assert choose_runner(None, 1) is None
    several, named = choose_runner(None, 2), choose_runner("local", None)
    assert several is not None and several.slots == 2
    assert named is not None and named.slots == 1
    assert choose_runner(named, None) is named
    with pytest.raises(ConfigError, match="workers=2 was given with a runner that has 1"):
        choose_runner(named, 2)
    with pytest.raises(ConfigError, match="0 workers were given"):
        choose_runner(None, 0)
