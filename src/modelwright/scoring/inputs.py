"""Opens an input of any kind: finds its column, and turns its rows into chunks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.files import sha256_file
from modelwright.core.types import Task
from modelwright.data.readers.parquet_parts import parquet_parts
from modelwright.scoring import questions
from modelwright.scoring.chunks import FAULT, Chunk, as_array
from modelwright.scoring.columns import Choice, choose_column
from modelwright.scoring.csv_source import CsvSource
from modelwright.scoring.folder_source import FolderSource
from modelwright.scoring.json_source import JsonSource, LineSource, parse_object, text_of
from modelwright.scoring.parquet_parts import ParquetParts
from modelwright.scoring.parquet_source import ParquetSource
from modelwright.scoring.text_stream import TextStream

ROWS: dict[Task, int] = {"text": 1024, "image": 128}
"""The rows of a chunk."""
CSV, JSON, PARQUET, TEXT = (".csv", ".tsv", ".tab"), (".jsonl", ".ndjson"), (".parquet",), (".txt",)
SUFFIXES = (*CSV, *JSON, *PARQUET, *TEXT)
LINE = "line"
_ADDED = re.compile(rb'"(?:predicted_label|probability|error)[^"]{0,200}"\s*:')


class Source(Protocol):
    """The rows of an input, in order."""

    first_row: int
    schema: Any

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` rows with ``FAULT``, and the part that has been read."""


@dataclass(frozen=True)
class Input:
    """An input that can be read any number of times.

    Attributes:
        path: The file or folder.
        task: What the model classifies.
        source: Its rows.
        names: Names of its columns.
        choice: The column that the model is asked about.
        ask: Turns that column into questions.
        key: The key of the text or path in a line; None where the column has it.
        base: The folder that paths of images are relative to.
        notes: What was decided.
        metadata: Metadata of a Parquet file.
    """

    path: Path
    task: Task
    source: Source
    names: tuple[str, ...]
    choice: Choice
    ask: Callable[[Any], Any]
    key: str | None
    base: Path
    notes: list[str] = field(default_factory=list)
    metadata: dict[bytes, bytes] = field(default_factory=dict)

    def chunks(self) -> Iterator[Chunk]:
        """Yields the rows."""
        start = 0
        for table, fraction in self.source.tables(ROWS[self.task]):
            columns = table.drop_columns([FAULT])
            if isinstance(self.source, FolderSource):
                asked = questions.image_batch(list(self.source.files(start, len(table))))
            else:
                asked = self.ask(columns.column(0 if self.key else self.choice.position))
            yield Chunk(columns, asked, as_array(table.column(FAULT)), fraction)
            start += len(table)

    def row_name(self, row: int) -> str:
        """Returns how a person finds a row, by its position."""
        if isinstance(self.source, FolderSource):
            return self.source.files(row, 1)[0].decode(errors="replace")
        if isinstance(self.source, ParquetParts):
            return self.source.row_name(row)
        return f"{self.path.name} row {row + self.source.first_row}"

    def fingerprint(self) -> str:
        """Returns a sha256 that changes if the input does."""
        if not isinstance(self.source, FolderSource | ParquetParts):
            return sha256_file(self.path)
        digest = hashlib.sha256()
        for line in self.source.listing():
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def signature(self) -> object:
        """Returns what changes if somebody writes the input; takes no time."""
        if isinstance(self.source, FolderSource | ParquetParts):
            return self.fingerprint()
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns

    def late_notes(self) -> list[str]:
        """Returns what was found while all rows were read."""
        notes = []
        if blank := getattr(self.source, "blank_at_end", 0):
            notes.append(
                f"{blank:,} blank line{'s' if blank > 1 else ''} at the end left out: no rows"
            )
        if literal := getattr(self.source, "literal_quotes", 0):
            notes.append(
                "a quote that would join whole rows was read as a character in"
                f" {literal:,} line{'s' if literal > 1 else ''}"
            )
        return notes


def open_input(
    path: Path, task: Task, config: DataConfig, recorded: str | None, output: str
) -> Input:
    """Opens a table, a file of texts, or a folder of images or of the parts of a table.

    Args:
        path: The input.
        task: What the model classifies.
        config: The names of columns, and the encoding.
        recorded: The column of the model's own training data, if its config names one.
        output: The suffix of the output.

    Raises:
        ConfigError: The kind of file is unknown, a folder was given for texts, or a setting has
            no meaning for the input.
        DataError: The file is not readable, or has no such column.
    """
    _check_settings(path, task, config)
    if path.is_dir() and (parts := parquet_parts(path)):
        table = ParquetParts(path, parts)
        return _open_table(path, task, config, recorded, (table, table.names, table.metadata))
    if path.is_dir():
        if task == "text":
            raise ConfigError(
                f"{path} is a folder, but the model classifies texts; expected a file that ends in"
                f" one of {', '.join(SUFFIXES)}, or a folder of Parquet files and nothing else"
            )
        folder = FolderSource(path)
        choice = Choice(0, "path", "files of a folder")
        return Input(path, task, folder, ("path",), choice, _no_column, None, path, folder.notes)
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix not in SUFFIXES or (suffix in PARQUET and path.suffix.lower() == ".gz"):
        raise ConfigError(
            f"{path} is no table; expected a folder of images, or a file that ends in one of"
            f" {', '.join(SUFFIXES)}, all but Parquet also with .gz"
        )
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if suffix in PARQUET:
        parquet = ParquetSource(path)
        metadata = {k: v for k, v in parquet.metadata.items() if k != b"huggingface"}
        return _open_table(path, task, config, recorded, (parquet, parquet.names, metadata))
    if suffix in CSV:
        csv = CsvSource(path, config.encoding)
        return _open_table(path, task, config, recorded, (csv, csv.names, {}))
    if suffix in JSON and output not in JSON:
        objects = JsonSource(path, config.encoding, typed=output in PARQUET)
        opened = _open_table(path, task, config, recorded, (objects, objects.names, {}))
        if output in CSV or opened.choice.name in objects.mixed:
            objects.asked = opened.choice.name
        if objects.mixed:
            opened.notes.append(
                f"no type fits all values of {', '.join(objects.mixed)}; they are written as JSON"
            )
        return opened
    return _open_lines(path, task, config, recorded, is_json=suffix in JSON)


def _check_settings(path: Path, task: Task, config: DataConfig) -> None:
    """Refuses settings that the input would leave without effect."""
    other = "image" if task == "text" else "text"
    if getattr(config, other) is not None:
        raise ConfigError(
            f"--{other}-column (data.{other}) was given, but the model classifies {task}s; name the"
            f" column with --{task}-column"
        )
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    plain = (path.is_dir() and not parquet_parts(path)) or suffix in TEXT
    if plain and getattr(config, task) is not None:
        raise ConfigError(f"--{task}-column (data.{task}) was given, but {path} has no columns")
    if config.encoding != "auto" and (path.is_dir() or suffix in PARQUET):
        raise ConfigError(
            f"--encoding (data.encoding) was given, but {path} is no text; leave it out"
        )


def _open_table(
    path: Path,
    task: Task,
    config: DataConfig,
    recorded: str | None,
    opened: tuple[Any, list[str], dict[bytes, bytes]],
) -> Input:
    source, names, metadata = opened
    doubt = getattr(source, "data_in_header", "")
    try:
        choice = choose_column(names, task, config, recorded, path.name)
    except DataError as error:
        if not doubt:
            raise
        raise DataError(
            f"{error}. {path.name} may have no header, since {doubt}; then add a first row with"
            " the names of the columns"
        ) from None
    questions.check_type(source.schema.field(choice.position).type, task, choice.name, path.name)
    base = path.absolute() if isinstance(source, ParquetParts) else path.absolute().parent

    def ask(column: Any) -> Any:
        if choice.name in getattr(source, "mixed", ()):
            values = [json.loads(value) if value else None for value in column.to_pylist()]
            texts = [text_of(value, choice.name)[0] for value in values]
            column = pa.array(texts, pa.large_string())
        return questions.ask_texts(column) if task == "text" else questions.ask_images(column, base)

    notes = [*getattr(source, "notes", ()), *_column_notes(choice, names, task)]
    if doubt:
        notes.append(
            f"warning: the table may have no header, since {doubt}; its first row was not scored"
        )
    return Input(path, task, source, tuple(names), choice, ask, None, base, notes, metadata)


def _open_lines(
    path: Path, task: Task, config: DataConfig, recorded: str | None, *, is_json: bool
) -> Input:
    """Opens a file of texts, or JSON Lines that are written as JSON Lines."""
    source = LineSource(path, config.encoding)
    base = path.absolute().parent
    if not is_json:
        choice = Choice(0, "text" if task == "text" else "path", "each line")

        def ask(column: Any) -> Any:
            if task == "text":
                return questions.ask_texts(column)
            return questions.ask_images(column, base)

        return Input(path, task, source, (choice.name,), choice, ask, None, base)
    names = _first_keys(source)
    if not names:
        raise DataError(f"{path.name} has no JSON object; expected one in each line")
    choice = choose_column(names, task, config, recorded, path.name)
    names += sorted(_other_keys(path, source, config.encoding) - set(names))
    notes = _column_notes(choice, names, task)
    return Input(
        path, task, source, tuple(names), choice, questions.ask_lines, choice.name, base, notes
    )


def _first_keys(source: LineSource) -> list[str]:
    for table, _ in source.tables(ROWS["text"]):
        found = [parse_object(line) for line in table.column(0).to_pylist()]
        keys = dict.fromkeys(key for one in found if isinstance(one, dict) for key in one)
        if keys:
            return list(keys)
    return []


def _other_keys(path: Path, source: LineSource, encoding: str) -> set[str]:
    """Returns the keys of all objects, if one could clash with an added column."""
    rest = b""
    for block in TextStream(path, encoding).blocks():
        if _ADDED.search(rest + block):
            break
        rest = block[-256:]
    else:
        return set()
    lines = (line for table, _ in source.tables(1024) for line in table.column(0).to_pylist())
    return {key for one in map(parse_object, lines) if isinstance(one, dict) for key in one}


def _column_notes(choice: Choice, names: list[str], task: Task) -> list[str]:
    notes = []
    if choice.others:
        notes.append(
            f"{', '.join(choice.others)} could be the {task}, too; name another column with"
            f" --{task}-column"
        )
    if names.count(choice.name) > 1:
        notes.append(f"{names.count(choice.name)} columns are called '{choice.name}'; the first was"
                     " taken")  # fmt: skip
    return notes


def _no_column(column: Any) -> Any:
    raise DataError("a folder has no column of questions")
