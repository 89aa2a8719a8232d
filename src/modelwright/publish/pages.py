"""Writes the tables of the results pages from the JSON in ``benchmarks/results``.

The prose of the pages is written by hand. On a page,

    <!-- table: cifar10-table -->
    <!-- end -->

is replaced by the table of ``benchmarks/results/cifar10-table.json``, a study or a benchmark, and
``<!-- list: short -->`` by the list of the published accuracies that are not reached. This module
trains nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core import markdown
from modelwright.core.blocks import Block, Note
from modelwright.core.errors import ConfigError, RunError
from modelwright.core.files import write_text
from modelwright.core.report import Report
from modelwright.publish.benchmark_tables import benchmark_markdown
from modelwright.publish.finished_studies import find_finished_study, outdated_reasons
from modelwright.publish.published_comparison import (
    comparison_notes,
    comparison_table,
    missed_claims,
    with_current_claims,
)
from modelwright.publish.shipped_studies import (
    read_shipped_study,
    reproduce_command,
    shipped_study_names,
)
from modelwright.studies.study_record import read_study_record
from modelwright.studies.translations import PageLanguage, say

PAGES: dict[str, PageLanguage] = {"docs/results.md": "en", "docs/zh/results.md": "zh"}
"""The pages of a checkout, and their languages."""
_MARK = re.compile(r"<!-- (table|list): ([\w.-]+) -->\n(?:(?!<!-- ).*\n)*<!-- end -->")
_MARK_START = re.compile(r"<!-- (?:table|list): .*?-->")


@dataclass(frozen=True)
class PagesReport(Report):
    """The pages of a checkout, those that changed, and the tables without a measurement."""

    pages: tuple[Path, ...]
    written: tuple[Path, ...]
    unmeasured: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "pages": [str(path) for path in self.pages],
            "written": [str(path) for path in self.written],
            "unmeasured": list(self.unmeasured),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns one line for each page and for each table without a measurement."""
        lines = [
            f"{'written' if path in self.written else 'unchanged'}: {path}" for path in self.pages
        ]
        return [Note("\n".join([*lines, *(f"not measured yet: {one}" for one in self.unmeasured)]))]


def write_pages(results: Path, *, required: bool = False) -> PagesReport:
    """Writes the tables of a checkout's pages.

    Args:
        results: the checkout's ``benchmarks/results``.
        required: whether it is an error if there are no pages.

    Raises:
        ConfigError: there are no pages but they are required, or a mark is wrong.
        RunError: a file in ``results`` cannot be read.
    """
    root = results.parent.parent
    pages = [root / name for name in PAGES if (root / name).is_file()]
    if required and not pages:
        raise ConfigError(
            f"there is no {' or '.join(PAGES)} in {root}; run this in a checkout, or name its"
            " benchmarks/results with --results."
        )
    written, names = [], []
    for path in pages:
        before = path.read_text("utf-8")
        language = PAGES[path.relative_to(root).as_posix()]
        after = fill_page(before, results, language)
        names += [name for kind, name in _MARK.findall(before) if kind == "table"]
        if after != before:
            write_text(path, after)
            written.append(path)
    unmeasured = [name for name in dict.fromkeys(names) if not (results / f"{name}.json").exists()]
    return PagesReport(tuple(pages), tuple(written), tuple(unmeasured))


def fill_page(text: str, results: Path, language: PageLanguage) -> str:
    """Returns the text of a page with its tables and lists from the files in ``results``.

    Raises:
        ConfigError: a mark has no end, or names an unknown list.
        RunError: a file in ``results`` cannot be read.
    """
    complete, started = _MARK.findall(text), _MARK_START.findall(text)
    if len(complete) != len(started):
        raise ConfigError(
            f"{len(started)} marks begin on the page and {len(complete)} are complete; expected"
            " each with its <!-- end --> on a line of its own and no other comment between."
        )

    def replacement(mark: re.Match[str]) -> str:
        kind, name = mark.groups()
        if kind == "list" and name not in _LISTS:
            raise ConfigError(f"the mark 'list: {name}' is unknown; known: {', '.join(_LISTS)}.")
        content = (
            _table(name, results, language) if kind == "table" else _LISTS[name](results, language)
        )
        return f"<!-- {kind}: {name} -->\n\n{content}\n\n<!-- end -->"

    return _MARK.sub(replacement, text)


def _table(name: str, results: Path, language: PageLanguage) -> str:
    path = results / f"{name}.json"
    if not path.is_file():
        return say("Not measured yet.", language)
    study = read_study_record(path)
    if study is None:
        return _benchmark_table(path, language)
    if study.name != name:
        raise RunError(f"{path} holds the study '{study.name}'; expected '{name}'.")
    lines = []
    if name in shipped_study_names():
        plan = read_shipped_study(name)
        study = with_current_claims(study, plan)
        again = f"`{reproduce_command(name, '--again')}`"
        lines.append(say("again: {command}", language, command=again))
        if reasons := outdated_reasons(study, plan):
            what = "; ".join(reasons)
            lines.append(say("other settings today: {what}", language, what=what))
    headers, rows = comparison_table(study, language, page=True)
    notes = [*comparison_notes(study, language), *lines]
    return "\n\n".join([markdown.table(headers, rows), "\n".join(f"- {line}" for line in notes)])


def _benchmark_table(path: Path, language: PageLanguage) -> str:
    try:
        return benchmark_markdown(json.loads(path.read_text("utf-8")), language)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{path} is not as a benchmark writes it: {type(error).__name__} {error}; measure it"
            " again."
        ) from None


def _missed_list(results: Path, language: PageLanguage) -> str:
    """Returns the published accuracies that the package's studies do not reach."""
    lines, measured = [], False
    for name in shipped_study_names():
        study = find_finished_study(results, name)
        if study is not None:
            measured = True
            lines += missed_claims(with_current_claims(study, read_shipped_study(name)), language)
    if not lines:
        empty = "Everything measured is reached." if measured else "Nothing has been measured yet."
        return say(empty, language)
    return "\n".join(f"- {line}" for line in lines)


_LISTS: dict[str, Callable[[Path, PageLanguage], str]] = {"short": _missed_list}
