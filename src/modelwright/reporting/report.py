"""``modelwright.report``: one HTML file about runs, servables, studies, searches and streams."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import modelwright
from modelwright.core.blocks import Block, Facts
from modelwright.core.errors import ConfigError
from modelwright.core.files import explained_refusals, write_bytes
from modelwright.core.report import Report
from modelwright.core.types import Progress
from modelwright.data.inspection_report import InspectReport
from modelwright.reporting.elements import Chapter
from modelwright.reporting.find_audit import with_audit
from modelwright.reporting.find_drift import with_drift
from modelwright.reporting.limits import MOST_BYTES, STEPS, Limits
from modelwright.reporting.mistake_explanations import MistakeExplanations, explain_mistakes
from modelwright.reporting.model_chapter import inspect_subject, model_chapter
from modelwright.reporting.page import Page, render_page
from modelwright.reporting.places import Record, read_place
from modelwright.reporting.side_by_side import compare_section
from modelwright.reporting.stream_chapter import planned_cells, stream_chapter
from modelwright.reporting.study_chapter import study_chapter
from modelwright.reporting.subject import Subject
from modelwright.reporting.translations import LANGUAGES, Language
from modelwright.reporting.tuning_chapter import tuning_chapter
from modelwright.reporting.words import Words
from modelwright.streams.stream_record import StreamRecord
from modelwright.studies.study_record import StudyRecord
from modelwright.tuning.search_record import SearchRecord

DEFAULT_FILE = "report.html"


@dataclass(frozen=True)
class HtmlReport(Report):
    """The file that was written. ``missing`` are parts of the page that have no content, and why.

    ``language`` is that of the page.
    """

    file: Path
    places: tuple[Path, ...]
    language: Language
    bytes: int
    seconds: float
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            **vars(self),
            "file": str(self.file),
            "places": [str(path) for path in self.places],
            "missing": list(self.missing),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the file, its size, and what is missing in it."""
        rows: list[tuple[str, object]] = [
            ("report", str(self.file)),
            ("about", ", ".join(map(str, self.places))),
            ("size", f"{self.bytes / 1000:,.0f} kB"),
            ("seconds", f"{self.seconds:.1f}"),
        ]
        return [Facts("written", [*rows, *(("missing", one) for one in self.missing)])]


@dataclass(frozen=True)
class _Part:
    """What is known of one place."""

    name: str
    content: Subject | Record
    seen: InspectReport | None = None
    why: MistakeExplanations = field(default_factory=MistakeExplanations)


def report(  # noqa: PLR0913
    places: Sequence[Path | str] | Path | str,
    out: Path | str | None = None,
    lang: str = "en",
    *,
    force: bool = False,
    data_root: Path | str | None = None,
    audit: Path | str | None = None,
    drift: Sequence[Path | str] | Path | str = (),
    progress: Progress | None = None,
) -> HtmlReport:
    """Writes one HTML file with everything that runs, servables, studies, and others keep.

    The file asks no other host, needs no script to be read, and has at most 3 MB.

    Args:
        places: folders of runs, servables (a model or one of its versions), studies, searches and
            streams. Several models are shown side by side first.
        out: the file to write; ``report.html`` in the current folder by default.
        lang: language of the page: ``en`` or ``zh``.
        force: whether to replace a file that exists.
        data_root: where the data of the training is now, if it was moved.
        audit: folder of the audit whose suspects a model's chapter shows; by default the one whose
            suspects its training left out, or the newest one of the same rows in ``audits``.
        drift: results of ``modelwright drift --json`` in files; each is shown in the chapter of the
            model that it is about.
        progress: called with each step.

    Raises:
        ConfigError: the file exists, a place is none of these, a language is unknown, ``audit`` is
            no audit, or ``drift`` is no result, or about a model that is not among the places.
        RunError: a run, a study, a search or a stream cannot be read.
        ServableError: a servable is not as it was exported.
        WriteError: the file cannot be written.

    Example:
        ``modelwright.report(["runs/a", "runs/b"], "compare.html", "zh")``
    """
    started = time.monotonic()
    paths, drifts = _paths(places), _paths(drift)
    file, language = Path(out or DEFAULT_FILE), _language(lang)
    if not paths:
        raise ConfigError(
            "nothing was given to report on; expected runs, servables, studies, searches or"
            " streams."
        )
    _check_file(file, force=force)
    root = None if data_root is None else Path(data_root)
    named = None if audit is None else Path(audit)
    contents = [
        with_audit(one, named) if isinstance(one, Subject) else one
        for one in with_drift([read_place(path, root, progress) for path in paths], drifts)
    ]
    names = _names([one.name for one in contents], paths)
    parts = [
        _Part(name, one, inspect_subject(one, progress), explain_mistakes(one, progress))
        if isinstance(one, Subject)
        else _Part(name, one)
        for name, one in zip(names, contents, strict=True)
    ]
    document = _smallest(parts, Words(language))
    with explained_refusals(file):
        write_bytes(file, document)
    missing = [line for part in parts for line in _missing(part)]
    seconds = time.monotonic() - started
    return HtmlReport(file, tuple(paths), language, len(document), seconds, tuple(missing))


def _paths(given: Sequence[Path | str] | Path | str) -> list[Path]:
    return [Path(given)] if isinstance(given, str | Path) else [Path(one) for one in given]


def _language(lang: str) -> Language:
    for known in LANGUAGES:
        if lang == known:
            return known
    raise ConfigError(f"--lang was given '{lang}'; expected {' or '.join(LANGUAGES)}.")


def _check_file(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise ConfigError(f"{file} is a folder; expected the name of a file, such as report.html.")
    if file.exists() and not force:
        raise ConfigError(
            f"{file} exists; choose another name with -o, or replace it with --force."
        )


def _names(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Returns a name for each place; where two are the same, their paths."""
    return [
        name if names.count(name) == 1 else str(path)
        for name, path in zip(names, paths, strict=True)
    ]


def _smallest(parts: Sequence[_Part], t: Words) -> bytes:
    """Returns the page with as much as fits.

    Raises:
        ConfigError: even the shortest page is too large.
    """
    size = 0
    for limits in STEPS:
        document = _document(parts, limits, t).encode("utf-8", "replace")
        size = len(document)
        if size <= MOST_BYTES:
            return document
    about = "1 place" if len(parts) == 1 else f"{len(parts)} places"
    raise ConfigError(
        f"a report about {about} would have {size / 1e6:.1f} MB; expected at most"
        f" {MOST_BYTES / 1e6:.1f}. Give fewer places."
    )


def _document(parts: Sequence[_Part], limits: Limits, t: Words) -> str:
    models = [(one.name, one.content) for one in parts if isinstance(one.content, Subject)]
    before = []
    if len(models) > 1:
        before.append(compare_section([one for _, one in models], [name for name, _ in models], t))
    chapters = [_chapter(one, limits, t) for one in parts]
    alone = len(chapters) == 1
    title = (
        chapters[0].name
        if alone
        else t("Report: {names}", names=t.join([c.name for c in chapters]))
    )
    subtitle = chapters[0].subtitle if alone else t("{number} places", number=len(chapters))
    footer = t("Written by Modelwright {version} on {date}.", version=modelwright.__version__,
               date=time.strftime("%Y-%m-%d %H:%M"))  # fmt: skip
    if limits is not STEPS[0]:
        footer = t.sentences(
            footer, t("Long lists and images are cut, so that the file stays small.")
        )
    return render_page(Page(title, subtitle, footer, before, chapters), t)


def _chapter(part: _Part, limits: Limits, t: Words) -> Chapter:
    if isinstance(part.content, StudyRecord):
        return study_chapter(part.content, t)
    if isinstance(part.content, SearchRecord):
        return tuning_chapter(part.content, t)
    if isinstance(part.content, StreamRecord):
        return stream_chapter(part.content, t)
    return model_chapter(part.content, part.seen, part.why, limits, t, part.name)


def _missing(part: _Part) -> list[str]:
    if isinstance(part.content, StreamRecord) and part.content.missing:
        planned = planned_cells(part.content)
        return [f"{part.name}: {part.content.missing} of {planned} cells are not measured yet"]
    if not isinstance(part.content, Subject):
        return []
    subject = part.content
    lines = [*subject.files.problems]
    if isinstance(subject.rows, str):
        lines.append(f"{part.name}: the data: {subject.rows}")
    if subject.run is None:
        lines.append(f"{part.name}: the run that it was exported from is not here")
    elif subject.run.run and not subject.run.run.finished:
        lines.append(f"{part.name}: the training has not finished")
    elif subject.evaluation is None:
        lines.append(
            f"{part.name}: it was never evaluated; run modelwright evaluate {subject.run.path}"
        )
    if part.why.missing is not None:
        text, fields = part.why.missing
        lines.append(f"{part.name}: {text.format(**fields)}")
    return lines
