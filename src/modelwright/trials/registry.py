"""The registry of runners, by the names that a user types.

To add a runner, write one module here with the methods of ``runner.Runner`` and add one line to
``BUILT_IN``. Another package registers its runner as an entry point instead::

    [project.entry-points."modelwright.runners"]
    NAME = "package.module:RUNNER"

It is a class or function that takes the number of workers and returns a runner. Its module is
imported when somebody needs that runner, not before. Loads no framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.plugins import find_registered, registered_names
from modelwright.trials.runner import Runner

BUILT_IN = {
    "local": "modelwright.trials.local_runner:LocalRunner",
    "ray": "modelwright.trials.ray_runner:RayRunner",
}
ENTRY_POINTS = "modelwright.runners"
_METHODS = ("slots", "start", "next_event", "answer", "close")


def runner_names() -> list[str]:
    """Returns the names of all runners; loads none."""
    return registered_names(BUILT_IN, ENTRY_POINTS)


def make_runner(name: str, workers: int = 1, **options: Any) -> Runner:
    """Returns a new runner, which has started nothing yet.

    Args:
        name: ``local``, ``ray`` or a name that another package registers.
        workers: the number of trials that run at the same time.
        options: more arguments of the runner.

    Raises:
        ConfigError: there is no such runner, or an entry point is not a runner.
        MissingDependencyError: the runner's package is missing or cannot be loaded.
    """
    if workers < 1:
        raise ConfigError(f"{workers} workers were given; expected at least 1.")
    runner: Runner = _find(name)(workers, **options)
    if not all(hasattr(runner, method) for method in _METHODS):
        raise ConfigError(
            f"the entry point '{name}' in '{ENTRY_POINTS}' gives {runner!r}; expected an object"
            f" with {', '.join(_METHODS)}. Repair or uninstall the package that registers it."
        )
    return runner


def choose_runner(runner: Runner | str | None, workers: int | None) -> Runner | None:
    """Returns the runner that a user asked for; None to train in this process.

    Args:
        runner: a name, or a runner that the caller made and closes; None for the usual one.
        workers: the number of trainings that run at the same time, 1 by default.

    Raises:
        ConfigError: there is no such runner, or the number of workers cannot be used.
        MissingDependencyError: the runner's package is missing.
    """
    if runner is None and workers in (None, 1):
        return None
    if runner is None or isinstance(runner, str):
        return make_runner(runner or "local", 1 if workers is None else workers)
    if workers is not None:
        raise ConfigError(
            f"workers={workers} was given with a runner that has {runner.slots}; leave it out."
        )
    return runner


def _find(name: str) -> Callable[..., Any]:
    """Returns the class or function that makes the runners of a name."""
    found: Callable[..., Any] = find_registered(
        "runner",
        name,
        BUILT_IN,
        ENTRY_POINTS,
        fits=callable,
        expected="a class or function that takes the number of workers",
    )
    return found
