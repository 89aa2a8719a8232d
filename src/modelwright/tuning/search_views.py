"""What a search shows of itself: the importance of its settings, its plots, its dashboard."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from modelwright.core.errors import MissingDependencyError
from modelwright.core.files import explained_refusals
from modelwright.tuning.hparams_log import log_search
from modelwright.tuning.importance import SearchImportance, measure_importance
from modelwright.tuning.search_plots import FOLDER, draw_search
from modelwright.tuning.search_record import SearchRecord

_Record = TypeVar("_Record", bound=SearchRecord)


def with_importance(record: _Record) -> _Record:
    """Returns a search with the importance of its settings, or why it cannot be measured here."""
    higher = record.search.higher_is_better
    try:
        found = measure_importance(record.dimensions, record.records, higher_is_better=higher)
    except MissingDependencyError as error:
        found = SearchImportance(reason=str(error))
    return record.model_copy(update={"importance": found})


def draw_where_possible(record: SearchRecord) -> None:
    """Draws the plots of a search, unless its folder is read-only or matplotlib is missing."""
    with suppress(OSError, MissingDependencyError):
        draw_search(record, record.folder / FOLDER)


def write_views(record: SearchRecord) -> None:
    """Writes the plots and the log for TensorBoard into the folder of a search.

    Raises:
        MissingDependencyError: matplotlib or TensorFlow is not installed.
        WriteError: the disk is full, or the folder cannot be written.
    """
    with explained_refusals(record.folder):
        draw_search(record, record.folder / FOLDER)
        log_search(record, record.folder)
