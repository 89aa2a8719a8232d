"""What a reader of a search must know about its figures, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.tuning.objective import accuracy_error, ranked_trials
from modelwright.tuning.search_record import SearchRecord


def points(share: float) -> str:
    """Returns a difference of shares for a person."""
    return f"{100 * share:.2f} percentage points"


def search_notes(record: SearchRecord) -> list[str]:
    """Returns the notes of a search, each of one sentence or two."""
    found = [*_about_the_choice(record), *_about_the_base(record), *_about_limits(record)]
    if record.workers > 1:
        found.append(
            f"with {record.workers} workers, the order in which trials end decides what is tried"
            " next, so another search tries other settings. With one worker it repeats itself."
        )
    if record.search.minutes is not None:
        found.append(
            "how many trials fit into the minutes depends on the machine. Trials under way at their"
            " end are kept: a search with more minutes goes on with them."
        )
    return found


def _about_the_choice(record: SearchRecord) -> Iterator[str]:
    """Yields how many trials chose the best one, and how sure that choice is."""
    best, finished, rows = record.best, record.finished, record.data.rows.get("val", 0)
    if best is None:
        if not record.records and record.status == "finished":
            yield (
                "the time ended before the first trial. The same command with more minutes goes on."
            )
        if record.records and not finished:
            yield "no trial was trained to its end, so none can be the best one."
        return
    if len(finished) == 1:
        yield "only one trial was trained to its end, so the search has compared nothing yet."
        return
    yield (
        f"trial {best.number} is the best of {len(finished)} finished trials on the {rows:,}"
        f" validation {_rows(rows)}, which chose it. So its figure is too good for other rows. No"
        " test row was used; the study that follows measures the gain on them."
    )
    ranked = ranked_trials(record.records, record.search)
    error = accuracy_error(ranked[0])
    if record.search.objective == "val_loss" or error is None:
        return
    if best.error is None:
        yield (
            f"as a guide, the accuracy of trial {best.number} has a standard error of"
            f" {points(error)} on these rows; that of macro_f1 is about as large or larger."
        )
    near = sum(
        abs((one.objective or 0.0) - best.objective) <= error
        for one in ranked
        if one.number != best.number
    )
    if near:
        yield (
            f"{near} other trial{'s' if near > 1 else ''} came within one standard error of the"
            f" best ({points(error)}): on {rows:,} {_rows(rows)}, their order may be chance."
        )


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _about_the_base(record: SearchRecord) -> Iterator[str]:
    """Yields what the search gained over the settings that it began from."""
    best = record.best
    if best is None or not record.own_first:
        return
    ranked = ranked_trials(record.records, record.search)
    objectives = {one.number: one.objective or 0.0 for one in ranked}
    if 0 not in objectives:
        yield (
            "trial 0 has the settings of the base. It is not among the finished trials within the"
            " limits, so the gain over these settings is not known."
        )
    elif best.number == 0:
        others = ", and no other finished trial is better" if len(ranked) > 1 else ""
        yield f"trial 0 has the settings of the base{others}."
    else:
        gain = abs(best.objective - objectives[0])
        shown = f"{gain:.4f}" if record.search.objective == "val_loss" else points(gain)
        yield f"trial 0 has the settings of the base. The best trial is better by {shown}."


def _about_limits(record: SearchRecord) -> Iterator[str]:
    """Yields why no trial is the best one, if the limits are the reason."""
    limits = (
        ("size_mib", record.search.max_size, "max_size", "MiB"),
        ("latency_ms", record.search.max_latency, "max_latency", "ms a row"),
    )
    if record.best is not None or not record.finished:
        return
    parts = []
    for figure, limit, name, unit in limits:
        values = [one.figures[figure] for one in record.finished if figure in one.figures]
        if limit is not None and values:
            parts.append(f"{name} is {limit:g}, and the least of a trial {min(values):.3g} {unit}")
    yield (
        f"no finished trial is within the limits: {'; '.join(parts)}. Raise the limits, or search"
        " smaller networks."
    )
