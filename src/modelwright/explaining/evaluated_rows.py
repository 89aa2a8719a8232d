"""The rows of a model on which explanations are measured: held-out rows, or a file of the user's.

Labels are not read: what is explained is the model's own answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError, ModelwrightError
from modelwright.core.types import Progress, RawInput, Rows, Task
from modelwright.data.dispatch import read_sources
from modelwright.data.images import portable_image
from modelwright.data.prepare import Prepared, prepare
from modelwright.data.readers.columns import NO_LABELS, ColumnNotFoundError
from modelwright.data.readers.split_column import NO_SPLITS
from modelwright.runs.rows import evenly_spaced, held_out, held_out_or_training, reload_data
from modelwright.runs.run import Run
from modelwright.servable.examples import read_examples
from modelwright.servable.manifest import Manifest

DEFAULT_ROWS = 200
_KINDS = {"image": "images", "text": "texts"}
_NO_LABEL = "no label"
_SPLITS = {"test": "test rows", "val": "validation rows", "train": "training rows"}


@dataclass(frozen=True)
class EvaluatedInputs:
    """Raw inputs, where they are from, and decisions about them.

    Attributes:
        inputs: texts, or the bytes of image files.
        source: says which rows they are.
        notes: what a reader of the figures must know.
    """

    inputs: tuple[RawInput, ...]
    source: str
    notes: tuple[str, ...] = ()


def rows_of_run(
    run: Run,
    count: int,
    *,
    data_root: Path | str | None = None,
    progress: Progress | None = None,
) -> EvaluatedInputs:
    """Returns test rows of a run, evenly spaced; validation rows if it has no test rows.

    Args:
        run: a finished run.
        count: the largest number of rows.
        data_root: where the run's data is now, if it was moved.
        progress: called with each step.

    Raises:
        DataError: the data cannot be found, or changed since the training.
        ConfigError: ``data_root`` does not hold the data.
    """
    data = reload_data(run.config.data, run.data, run.path, progress, root=data_root)
    name, split = held_out_or_training(data)
    notes: tuple[str, ...] = ()
    if name == "train":
        notes = (
            "the run has no held-out rows, so these are rows that it was trained on; the figures"
            " of others can differ. Give other rows with --data",
        )
    inputs = _spaced(split.inputs, count)
    where = f"of {len(split):,} {_SPLITS[name]} of {data.source}"
    return EvaluatedInputs(inputs, where, notes)


def rows_of_servable(
    folder: Path, manifest: Manifest, count: int, progress: Progress | None = None
) -> EvaluatedInputs:
    """Returns held-out rows of a servable, evenly spaced.

    The export recorded some as examples. If more are wanted and the data of the training is still
    where it was, they come from there.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        count: the largest number of rows.
        progress: called with each step.

    Raises:
        ServableError: the examples cannot be read.
    """
    name = manifest.examples_of(next(iter(manifest.engines)))
    recorded = read_examples(folder / name, manifest.task).inputs
    notes: tuple[str, ...] = ()
    if count > len(recorded):
        try:
            config = DataConfig.model_validate(manifest.config.get("data"))
            data = reload_data(config, manifest.data, folder, progress)
        except (ValueError, KeyError, ModelwrightError):
            notes = (
                f"the export recorded {len(recorded)} examples, and the data of the training is not"
                " found any more; give more rows with --data",
            )
        else:
            if (found := held_out(data)) is not None:
                where = f"of {len(found[1]):,} {_SPLITS[found[0]]} of {data.source}"
                return EvaluatedInputs(_spaced(found[1].inputs, count), where)
    chosen = tuple(recorded[at] for at in evenly_spaced(len(recorded), count))
    return EvaluatedInputs(chosen, f"of {len(recorded):,} recorded examples in {name}", notes)


def rows_of_file(
    source: str,
    task: Task,
    count: int,
    *,
    settings: DataConfig | None = None,
    progress: Progress | None = None,
) -> EvaluatedInputs:
    """Returns rows of a table, a folder or a named set, evenly spaced, with or without labels.

    Args:
        source: what ``data.source`` takes.
        task: the model's task.
        count: the largest number of rows.
        settings: settings of ``[data]``, such as the column of texts.
        progress: called with each step.

    Raises:
        DataError: the rows cannot be read, or are of the other task.
    """
    prepared = read_rows(
        source, task, settings=settings, labeled=task == "image", progress=progress
    )
    total = len(prepared.digests)
    rows = prepared.rows(np.arange(total, dtype=np.int64))
    notes = prepared.notes
    if prepared.rejected:
        notes = (*notes, f"{len(prepared.rejected):,} rows of {prepared.source} cannot be used")
    return EvaluatedInputs(_spaced(rows, count), f"of {total:,} rows of {prepared.source}", notes)


def read_rows(
    source: str,
    task: Task,
    *,
    settings: DataConfig | None = None,
    labeled: bool = False,
    known: Sequence[str] | None = None,
    given: Collection[str] = (),
    progress: Progress | None = None,
) -> Prepared:
    """Returns the usable rows of a table, a folder or a named set; at least one.

    Args:
        source: what ``data.source`` takes.
        task: the model's task.
        settings: settings of ``[data]``, such as the column of texts.
        labeled: whether a table must have labels.
        known: labels of the model, under which those of the rows are folded.
        given: settings that the user gave for these rows: such a column is not looked for under
            its usual names.
        progress: called with each step.

    Raises:
        DataError: the rows cannot be read, or are of the other task.
    """
    changes: dict[str, object] = {"source": source, "split": NO_SPLITS}
    if not labeled:
        changes["label"] = NO_LABELS
    config = (settings or DataConfig(source=source)).model_copy(update=changes)
    try:
        records = read_sources(config, progress)
    except ColumnNotFoundError as error:
        if error.role not in ("text", "image") or error.role in given:
            raise
        usual = config.model_copy(update={"text": None, "image": None})
        if usual == config:
            columns = str(error).rpartition("Columns: ")[2]
            raise DataError(
                f"{source} has no column with a usual name for {_KINDS[task]}; rename it to"
                f" '{task}'. Columns: {columns}"
            ) from None
        return read_rows(source, task, settings=usual, labeled=labeled, known=known,
                         progress=progress)  # fmt: skip
    if records.task != task:
        raise DataError(
            f"{records.source} holds {_KINDS[records.task]}, but the model takes {_KINDS[task]};"
            " give --data of the model's kind."
        )
    if not labeled:  # a table without labels has its texts in their place
        records = replace(records, labels=pa.array([_NO_LABEL] * len(records), pa.large_string()))
    prepared = prepare(records, config, size="auto", known=known, progress=progress)
    if not len(prepared.digests):
        first = f": {prepared.rejected[0].reason}" if prepared.rejected else ""
        raise DataError(f"{records.source} has no usable row{first}; give other rows with --data.")
    return prepared


def _spaced(rows: Rows, count: int) -> tuple[RawInput, ...]:
    """Returns evenly spaced rows as a client sends them."""
    chosen: Sequence[RawInput] = [rows.raw(at) for at in evenly_spaced(len(rows), count)]
    return tuple(portable_image(row) if isinstance(row, bytes) else row for row in chosen)
