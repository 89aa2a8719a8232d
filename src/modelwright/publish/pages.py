"""The results pages: hand-written prose round tables that are written from kept JSON.

    <!-- table: cifar10-table -->
    <!-- end -->

names ``benchmarks/results/cifar10-table.json``, a study's or a benchmark's, and
``<!-- list: short -->`` stands for what falls short of the published figures. It trains nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, RunError
from modelwright.core.files import write_text
from modelwright.publish import kept_studies, published_comparison, shipped_studies, timings
from modelwright.studies import tables
from modelwright.studies.translations import Language, say

PAGES: dict[str, Language] = {"docs/results.md": "en", "docs/zh/results.md": "zh"}
"""The pages of a checkout, and their languages."""
_MARK = re.compile(r"<!-- (table|list): ([\w.-]+) -->\n(?:(?!<!-- ).*\n)*<!-- end -->")
_BEGUN = re.compile(r"<!-- (?:table|list): .*?-->")


@dataclass(frozen=True)
class PageReport:
    """The pages there are, those of them that changed, and what has no figures yet."""

    pages: tuple[Path, ...]
    written: tuple[Path, ...]
    unmeasured: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "pages": [str(path) for path in self.pages],
            "written": [str(path) for path in self.written],
            "unmeasured": list(self.unmeasured),
        }

    def render(self) -> str:
        """For a person."""
        lines = [
            f"{'written' if path in self.written else 'as it was'}: {path}" for path in self.pages
        ]
        return "\n".join([*lines, *(f"not measured yet: {name}" for name in self.unmeasured)])


def write(results: Path, *, needed: bool = False) -> PageReport:
    """Write the tables of a checkout's pages anew, whose results are in ``results``.

    Raises:
        ConfigError: there are no pages, and ``needed`` says that there should be; a mark is wrong.
        RunError: a kept file cannot be read.
    """
    root = results.parent.parent
    pages = [root / name for name in PAGES if (root / name).is_file()]
    if needed and not pages:
        raise ConfigError(
            f"there is no {' or '.join(PAGES)} beside {results}; run this in a checkout, or name"
            " its benchmarks/results with --results."
        )
    written, names = [], []
    for path in pages:
        before = path.read_text("utf-8")
        language = PAGES[path.relative_to(root).as_posix()]
        after = fill(before, results, language)
        names += [name for kind, name in _MARK.findall(before) if kind == "table"]
        if after != before:
            write_text(path, after)
            written.append(path)
    unmeasured = [name for name in dict.fromkeys(names) if not (results / f"{name}.json").exists()]
    return PageReport(tuple(pages), tuple(written), tuple(unmeasured))


def fill(text: str, results: Path, language: Language) -> str:
    """A page with its tables as the kept files have them.

    Raises:
        ConfigError: a mark has no end, or stands for a list that there is none of.
        RunError: a kept file cannot be read.
    """
    whole, begun = _MARK.findall(text), _BEGUN.findall(text)
    if len(whole) != len(begun):
        raise ConfigError(
            f"{len(begun)} marks begin on the page and {len(whole)} are whole; expected each with"
            " its <!-- end --> on a line of its own and no other comment between."
        )

    def put(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if kind == "list" and name not in _LISTS:
            raise ConfigError(f"the mark 'list: {name}' is unknown; known: {', '.join(_LISTS)}.")
        make = _table if kind == "table" else _LISTS[name]
        content = make(name, results, language)
        return f"<!-- {kind}: {name} -->\n\n{content}\n\n<!-- end -->"

    return _MARK.sub(put, text)


def _table(name: str, results: Path, language: Language) -> str:
    path = results / f"{name}.json"
    if not path.is_file():
        return say("Not measured yet.", language)
    study = kept_studies.read(path)
    if study is None:
        return _benchmark(path, language)
    if study["name"] != name:
        raise RunError(f"{path} holds the study '{study['name']}'; expected '{name}'.")
    lines = []
    if name in shipped_studies.names():
        plan = shipped_studies.read(name)
        study = published_comparison.claiming(study, plan)
        again = f"`{shipped_studies.command(name, '--again')}`"
        lines.append(say("again: {command}", language, command=again))
        if reasons := kept_studies.outdated(study, plan):
            what = "; ".join(reasons)
            lines.append(say("other settings today: {what}", language, what=what))
    headers, rows = published_comparison.rows(study, language, page=True)
    notes = [*published_comparison.notes(study, language), *lines]
    return "\n\n".join(
        [tables.markdown_table(headers, rows), "\n".join(f"- {line}" for line in notes)]
    )


def _benchmark(path: Path, language: Language) -> str:
    try:
        return timings.markdown(json.loads(path.read_text("utf-8")), language)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{path} is not as a benchmark writes it: {type(error).__name__} {error}; measure it"
            " again."
        ) from None


def _short(name: str, results: Path, language: Language) -> str:
    """The published figures that are not reached, of every study that comes with the package."""
    lines, seen = [], False
    for known in shipped_studies.names():
        path = results / f"{known}.json"
        study = kept_studies.read(path) if path.is_file() else None
        if study is not None:
            seen = True
            lines += published_comparison.short(
                published_comparison.claiming(study, shipped_studies.read(known)), language
            )
    if not lines:
        empty = "Of what has been measured, nothing." if seen else "Nothing has been measured yet."
        return say(empty, language)
    return "\n".join(f"- {line}" for line in lines)


_LISTS: dict[str, Callable[[str, Path, Language], str]] = {"short": _short}
