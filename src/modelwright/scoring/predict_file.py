"""Scores every row of a table or image of a folder, on all cores, with constant memory.

The output has the rows of the input in their order, every column as it was, and the answers. After
a stop, the same call goes on from where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.core.config import DataConfig, check_table
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.files import sha256_file
from modelwright.core.hardware import detect
from modelwright.core.types import Progress
from modelwright.scoring import inputs
from modelwright.scoring.added_columns import AddedColumns, add_columns, unique_names
from modelwright.scoring.folder_source import FolderSource
from modelwright.scoring.formats import (
    CsvFormat,
    Format,
    JsonFormat,
    ParquetFormat,
    SplicedJsonFormat,
)
from modelwright.scoring.inputs import Input, open_input
from modelwright.scoring.journal import Done, Journal
from modelwright.scoring.pool import Answerer, AnswerPool
from modelwright.scoring.ray_pool import RayPool, RayWorkers, ray_pool
from modelwright.scoring.score_report import ScoreReport
from modelwright.scoring.worker import LocalAnswerer, Setup, WorkerProcess
from modelwright.servable.engines.registry import engine_kind, resolve_engine
from modelwright.servable.manifest import MANIFEST, Manifest, find_version, read_manifest

OUTPUTS = (*inputs.CSV, *inputs.JSON, *inputs.PARQUET)
_KEYS = ("text", "image", "encoding")
_SECONDS_BETWEEN_COMMITS = 1.0


def predict_file(
    servable: Path | str,
    source: Path | str,
    output: Path | str,
    *,
    data: Mapping[str, Any] | None = None,
    engine: str = "auto",
    workers: int | RayWorkers = 0,
    progress: Progress | None = None,
) -> ScoreReport:
    """Scores a file, and writes its rows with the answers.

    Args:
        servable: A version's folder, or a model's folder for its live version.
        source: A CSV, TSV, JSON Lines or Parquet file, a text file with a text a line, or a
            folder of images or of Parquet files that are parts of one table.
        output: The file to write; its suffix is the format: .csv, .tsv, .jsonl or .parquet.
        data: The keys ``text`` or ``image`` (the column) and ``encoding`` of ``[data]``.
        engine: The engine that answers; ``auto`` selects the fastest that is installed.
        workers: The number of processes; 0 for one on each core, 1 for this process alone. Or
            ``RayWorkers`` for a Ray cluster, which takes any table; the output is the same.
        progress: Called with the rows so far.

    Raises:
        ConfigError: A setting or a suffix is wrong, or an unfinished run is of another input.
        DataError: The input cannot be read, or has no such column.
        ServableError: The servable cannot be used.
        MissingDependencyError: Ray is not installed, or a machine has other versions.
    """
    folder = find_version(Path(servable))
    manifest = read_manifest(folder)
    name = resolve_engine(engine, folder, manifest)
    source, output = Path(source), Path(output)
    _check_paths(source, output)
    opened = _open(source, manifest, data or {}, output)
    added = add_columns(manifest.labels, opened.names)
    written = _choose_format(opened, added, output)
    setup = Setup(folder.absolute(), name, opened.key, opened.base)
    replaced = output.exists()
    signature, fingerprint = opened.signature(), opened.fingerprint()
    identity = {
        "the input": fingerprint,
        "the servable": sha256_file(folder / MANIFEST),
        "the engine": name,
        "the column": opened.choice.name,
        "the encoding": (data or {}).get("encoding", "auto"),
        "the added columns": added.names,
        "the format of the output": output.suffix.lower(),
    }
    with _open_pool(setup, workers, opened) as pool, Journal(output, identity) as journal:
        journal.open(written.header())
        resumed = journal.done.rows
        try:
            _score(journal, opened, pool, (added, written), progress)
        except KeyboardInterrupt:
            journal.commit()
            raise
        if isinstance(pool, RayPool):
            opened.notes.append(pool.note())
        if opened.signature() != signature and opened.fingerprint() != fingerprint:
            raise DataError(
                f"{source} changed while it was scored; the answers are not of one file. Remove"
                f" {journal.folder} and start again"
            )
        written.finish(journal.close(), output)
        journal.remove()
    if replaced:
        opened.notes.append(f"the earlier {output.name} was replaced")
    return _report(opened, added, journal.done, _Used(folder, name, output, resumed))


@dataclass(frozen=True)
class _Used:
    """The servable, its engine, the output, and the rows of an earlier, stopped run."""

    servable: Path
    engine: str
    output: Path
    resumed: int


def _report(opened: Input, added: AddedColumns, done: Done, used: _Used) -> ScoreReport:
    notes = [*opened.notes, *opened.late_notes()]
    if added.suffix:
        notes.append(f"the input has such a column, so the added ones end in {added.suffix}")
    return ScoreReport(
        input=opened.path,
        **vars(used),
        column=opened.choice.name,
        column_reason=opened.choice.reason,
        rows=done.rows,
        predicted=done.rows - done.rejected,
        rejected=done.rejected,
        seconds=done.seconds,
        added=tuple(added.names),
        reasons=dict(sorted(done.reasons.items(), key=lambda item: -item[1])),
        examples=tuple(done.examples),
        notes=tuple(notes),
    )


def _open(source: Path, manifest: Manifest, data: Mapping[str, Any], output: Path) -> Input:
    """Opens the input; the model's config may name the column."""
    recorded = manifest.reading.get(manifest.task)
    config = _check_config(data)
    return open_input(source, manifest.task, config, recorded, output.suffix.lower())


@contextmanager
def _open_pool(
    setup: Setup, workers: int | RayWorkers, opened: Input
) -> Iterator[AnswerPool | RayPool]:
    """Yields what answers the chunks."""
    if not isinstance(workers, RayWorkers):
        yield AnswerPool(*_answerers(setup, workers))
        return
    if opened.task == "image" and (opened.key or isinstance(opened.source, FolderSource)):
        raise ConfigError(
            f"{opened.path} only names images, which other machines do not have; expected a Parquet"
            " or CSV table of them. Make one, or leave out --runner ray."
        )
    with ray_pool(setup, workers) as pool:
        yield pool


def _score(
    journal: Journal,
    opened: Input,
    pool: AnswerPool | RayPool,
    makers: tuple[AddedColumns, Format],
    progress: Progress | None,
) -> None:
    """Scores the chunks that the journal does not have yet."""
    added, written = makers
    started = committed = time.monotonic()
    earlier, first = journal.done.seconds, journal.done.rows
    chunks = islice(opened.chunks(), journal.done.chunks, None)
    with closing(pool.answers(chunks)) as answered:
        for chunk, answers in answered:
            columns = added.make(chunk.faults, answers)
            errors = columns.column(len(added.names) - 1)
            if errors.null_count < len(errors):
                for at, reason in enumerate(errors.to_pylist()):
                    if reason is not None:
                        journal.done.reject(opened.row_name(journal.done.rows + at), reason)
            journal.add(written.rows(chunk.table, columns), len(chunk))
            now = time.monotonic()
            journal.done.seconds = earlier + now - started
            if now - committed >= _SECONDS_BETWEEN_COMMITS:
                journal.commit()
                committed = time.monotonic()
            if progress:
                _show(progress, journal.done.rows, first, now - started, chunk.fraction)


def _show(progress: Progress, rows: int, first: int, seconds: float, fraction: float) -> None:
    total = round(rows / fraction) if 0 < fraction <= 1 else 0
    rate = (rows - first) / seconds if seconds else 0.0
    left = (total - rows) / rate if rate else 0.0
    shown = f"{left / 60:,.0f} min" if left >= 90 else f"{left:.0f} s"
    progress(f"scoring, {rate:,.0f} rows/s, {shown} left,", rows, max(total, rows))


def _answerers(setup: Setup, workers: int) -> tuple[Callable[[], Answerer], int]:
    """Returns what starts an answerer, and how many to start."""
    if workers < 0:
        raise ConfigError(f"workers was given {workers}; expected 0 for all cores, or more")
    # TensorFlow uses all cores from one process.
    count = 1 if engine_kind(setup.engine).needs_tensorflow else detect().cores
    count = workers or count
    if count == 1:
        return lambda: LocalAnswerer(setup), 1
    return lambda: WorkerProcess(setup), count


def _check_config(data: Mapping[str, Any]) -> DataConfig:
    if unknown := sorted(set(data) - set(_KEYS)):
        raise ConfigError(
            f"data was given {', '.join(unknown)}; expected only {', '.join(_KEYS)} here"
        )
    return check_table(DataConfig, data, "data")


def _check_paths(source: Path, output: Path) -> None:
    if output.suffix.lower() not in OUTPUTS:
        raise ConfigError(
            f"the output {output} has the suffix '{output.suffix}'; expected one of"
            f" {', '.join(OUTPUTS)}"
        )
    if not source.exists():
        raise DataError(f"there is no file or folder {source}")
    if output.is_dir():
        raise ConfigError(f"the output {output} is a folder; expected the path of a file")
    # Resolved, because "new/../in.csv" is the input, too, before the folder new is made.
    real = output.resolve()
    if real.exists() and real.samefile(source):
        raise ConfigError(f"the output {output} is the input; choose another file")


def _choose_format(opened: Input, added: AddedColumns, output: Path) -> Format:
    suffix = output.suffix.lower()
    if suffix in inputs.CSV:
        return CsvFormat(opened.names, added.names, "," if suffix == ".csv" else "\t")
    names = unique_names(opened.names)
    if tuple(names) != opened.names:
        kind = "JSON" if suffix in inputs.JSON else "Parquet"
        opened.notes.append(f"columns with the same name got numbers, as {kind} needs it")
    if suffix in inputs.JSON:
        return (SplicedJsonFormat if opened.key else JsonFormat)(names, added.names)
    fields = [
        field.with_name(name) for field, name in zip(opened.source.schema, names, strict=True)
    ]
    schema = pa.schema([*fields, *added.schema], opened.metadata or None)
    return ParquetFormat(names, added.names, schema)
