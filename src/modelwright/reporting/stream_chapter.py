"""The chapter about a stream study: what each strategy keeps, forgets and costs."""

from __future__ import annotations

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.config import setting
from modelwright.reporting.commands_section import visible
from modelwright.reporting.elements import Chapter, Commands, Element, Points, Section, Warnings
from modelwright.reporting.stream_figures import (
    curve_figures,
    kept_figures,
    loss_figures,
    measured,
)
from modelwright.reporting.stream_file import COLUMN, drawn_at_random, stream_file
from modelwright.reporting.study_chapter import machines_table
from modelwright.reporting.translations import CHINESE
from modelwright.reporting.words import EMPTY, Words, count, share, short
from modelwright.streams.stream_record import StreamRecord

_REASONS, _NAMES, _ORDERS, _CELLS = 5, 20, 50, 200
_LONGEST = 50_000
"""Characters of the longest file that is shown."""
_NEEDS = {
    "new": "new rows",
    "kept": "kept rows",
    "state": "its own state",
    "old": "all old rows",
}


def stream_chapter(record: StreamRecord, t: Words) -> Chapter:
    """Returns everything that a stream study measured."""
    sections = [
        _card(record, t),
        *_missing(record, t),
        Section("figures", t("What is kept at the end"), kept_figures(record, t)),
        Section("curves", t("After each step"), curve_figures(record, t)),
        Section("losses", t("What is lost of each domain"), loss_figures(record, t)),
        _costs(record, t),
        _orders(record, t),
        _settings(record, t),
        _lineage(record, t),
        _repeating(record, t),
    ]
    subtitle = t("stream study, {status}", status=t.status(record.status))
    return Chapter(record.name, subtitle, sections)


def planned_cells(record: StreamRecord) -> int:
    """Returns the number of cells of a finished study."""
    return len(record.orders) * len(record.seeds) * len(record.strategies)


def _card(record: StreamRecord, t: Words) -> Section:
    lines = [t("A cell failed: {reason}", reason=t.english(short(one, 300)))
             for one in record.failures[:_REASONS]]  # fmt: skip
    if len(record.failures) > _REASONS:
        lines.append(t("{number} more cells failed.", number=len(record.failures) - _REASONS))
    if record.missing:
        planned = planned_cells(record)
        lines.append(t("Cells still to come: {number} of {planned}. The figures are means over the"
                       " others.", number=record.missing, planned=planned))  # fmt: skip
    content: list[Element] = [Warnings(lines)] if lines else []
    done = planned_cells(record) - record.missing - len(record.failures)
    rows = [f"{t.evaluated(name)} {count(number)}" for name, number in record.rows.items()]
    kept = t("{share} of the rows seen", share=share(record.keep)) if record.keep < 1 else (
        count(int(record.keep)))  # fmt: skip
    content.append(Facts(t("The stream"), [
        (t("what comes"), _steps(record, t)),
        (t("names"), _names(record, t)),
        (t("strategies"), t.join([short(one.name) for one in record.strategies])),
        (t("orders"), len(record.orders)),
        (t("random seeds"), ", ".join(map(str, record.seeds))),
        (t("cells"), t("{done} of {planned} measured", done=done, planned=planned_cells(record))),
        (t("data"), record.source),
        (t("rows"), t.join(rows)),
        (t("rows that may be kept, at most"), kept),
        (t("recipe"), record.recipe),
        (t("last measurement"), record.date or EMPTY),
    ]))  # fmt: skip
    content.append(Points(t("What it is for"), [
        t("It compares ways to go on learning, with these rows in these orders: what each one"
          " learns of the new rows, and what it forgets of the old ones."),
    ]))  # fmt: skip
    content.append(Points(t("What it is not for"), [
        t("Other data or another network: a strategy may forget more or less there."),
        t("Differences within the intervals: they may be chance."),
    ]))  # fmt: skip
    if record.notes:
        content.append(Points(t("Decisions and notes"), [t.english(one) for one in record.notes]))
    return Section("card", t("What was compared"), content)


def _steps(record: StreamRecord, t: Words) -> str:
    if record.classes is None:
        return t("{number} domains, one in each step", number=len(record.domains))
    return t("{number} classes, {new} new ones in each step", number=len(record.domains),
             new=record.classes)  # fmt: skip


def _names(record: StreamRecord, t: Words) -> str:
    told = t.join([short(name, 30) for name in record.domains[:_NAMES]])
    more = len(record.domains) - _NAMES
    return t("{labels} and {more} more", labels=told, more=more) if more > 0 else told


def _missing(record: StreamRecord, t: Words) -> list[Section]:
    if not record.missing:
        return []
    title = t("Cells still to come")
    orders: dict[tuple[str, int], list[int]] = {}
    for one in record.missing_cells:
        orders.setdefault((one.strategy, one.seed), []).append(one.order)
    if not orders:
        return [Section("missing", title, [
            Note(t("The record does not name them; the next table counts the cells of each"
                   " strategy.")),
        ])]  # fmt: skip
    rows = [
        (short(strategy), seed, short(t.join(list(map(str, numbers))), 200))
        for (strategy, seed), numbers in orders.items()
    ]
    table = Table((t("strategy"), t("seed"), t("orders")), rows[:_CELLS], title)
    content: list[Element] = [table]
    if len(rows) > _CELLS:
        content.append(Note(t("The first {shown} of {all}.", shown=_CELLS, all=len(rows))))
    content.append(Note(t("The command at the end of the page goes on with them.")))
    return [Section("missing", title, content)]


def _costs(record: StreamRecord, t: Words) -> Section:
    title = t("What each strategy needs")
    rows = [
        (short(one.name), t(_NEEDS[one.needs]), f"{one.rows_kept:,.0f}", share(one.share_kept),
         f"{one.bytes_kept / 1024:,.1f}", f"{one.seconds:,.1f}", _summary(one.summary, t))
        for one in measured(record)
    ]  # fmt: skip
    if not rows:
        return Section("costs", title, [Note(t("No cell was measured yet."))])
    headers = (t("strategy"), t("reads"), t("rows kept"), t("share"), t("KiB"), t("seconds"),
               t("what it does"))  # fmt: skip
    note = t("Rows kept: rows of earlier domains that the last lesson could read, and their share"
             " of these rows. KiB: these rows, their recorded answers, the strategy's own state."
             " Seconds: all lessons after the first domain. All are means over the"
             " cells.")  # fmt: skip
    return Section("costs", title, [Table(headers, rows, title), Note(note)])


def _summary(summary: str, t: Words) -> str:
    """Returns what a strategy does, in the language of the page where the strategy is known."""
    return t(summary) if summary in CHINESE else t.english(short(summary, 200))


def _orders(record: StreamRecord, t: Words) -> Section:
    rows = [
        (number, short(t.join([short(name, 30) for name in order]), 2000))
        for number, order in enumerate(record.orders[:_ORDERS], 1)
    ]
    content: list[Element] = [Table((t("order"), t("steps")), rows, t("What comes after what"))]
    if len(record.orders) > _ORDERS:
        content.append(Note(t("The first {shown} of {all}.", shown=_ORDERS,
                              all=len(record.orders))))  # fmt: skip
    said = t("The study named these orders.")
    if drawn_at_random(record):
        said = t("The orders were drawn at random. They depend only on the names, so the same study"
                 " has the same orders again.")  # fmt: skip
    seeds = t("Every strategy learned every order with the random seeds {seeds}.",
              seeds=", ".join(map(str, record.seeds)))  # fmt: skip
    content.append(Note(t.sentences(said, seeds)))
    return Section("orders", t("Orders and seeds"), content)


def _settings(record: StreamRecord, t: Words) -> Section:
    tables = {**record.settings, "strength": None, "sources": None}
    strength = record.settings.get("strength")
    flat = {f"strength.{key}": value for key, value in strength.items()} if isinstance(
        strength, dict) else {}  # fmt: skip
    rows = [
        (f"stream.{key}", short(setting(value), 60))
        for key, value in {"keep": record.keep, **tables, **flat}.items()
        if value is not None
    ]
    note = t("The settings of the network and of the first training are in the file at the end of"
             " the page.")  # fmt: skip
    table = Table((t("setting"), t("value")), rows, t("Settings of the stream"))
    return Section("settings", t("Settings"), [table, Note(note)])


def _lineage(record: StreamRecord, t: Words) -> Section:
    facts = Facts(t("Lineage"), [
        (t("fingerprint of the data"), record.fingerprint or EMPTY),
        (t("folder"), str(record.folder)),
    ])  # fmt: skip
    machines = machines_table(record.machines, t("Machines that measured it"), t)
    return Section("lineage", t("Versions and lineage"), [facts, machines])


def _repeating(record: StreamRecord, t: Words) -> Section:
    content: list[Element] = [
        Commands(t("This command runs the study, or goes on with it:"), [record.command])
    ]
    file = stream_file(record)
    if file is None or len(file) > _LONGEST:
        said = t("Its file would be too long for this page. stream.json has the settings.")
        if file is None:
            said = t("Its file cannot be written from the record: the recipe is not here, or the"
                     " record was changed. stream.json has the settings.")  # fmt: skip
        content.append(Note(said))
        return Section("repeating", t("How to repeat it"), content)
    content.append(Commands(t("This is its file. Paths in it lead from the folder in which the"
                              " command ran:"),
                            [visible(line) for line in file.splitlines()]))  # fmt: skip
    if COLUMN in file:
        content.append(Note(t("The record does not have the name of the column with the domains."
                              " Write it in place of {name}.", name=COLUMN)))  # fmt: skip
    return Section("repeating", t("How to repeat it"), content)
