"""The rows of a stream, and the domain of each. Nothing is encoded here.

All rows are loaded and split as one set, so a content that occurs in two domains is on the same
side in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.types import Dataset, IntArray, Progress, Split, SplitName
from modelwright.data.dispatch import read_source, read_sources
from modelwright.data.label_names import fold_label
from modelwright.data.load import LoadedRecords, load_records
from modelwright.data.readers.columns import ColumnError
from modelwright.data.records import Records, as_strings, join_records
from modelwright.data.rows import pool_rows
from modelwright.data.splits import limit_rows
from modelwright.streams.plan import StreamPlan

Tags = list[str] | list[str | None]
LEFT_OUT = -1
"""Tag of a row that no step brings."""
_ALIKE = "domains whose names differ only in case, width, spaces or invisible marks"
_FEW_ROWS = 20
_NAMED = 5


@dataclass(frozen=True)
class TaggedRows:
    """Rows with the tag of each, a position among the names of the domains or classes, ``[n]``."""

    split: Split
    tags: IntArray


@dataclass(frozen=True)
class StreamData:
    """The rows of a stream.

    Attributes:
        data: all rows of the source, split.
        tags: names of the domains; of the classes, if each step brings new classes.
        rows: the rows of each split that the stream uses.
        fingerprint: changes with any row, label, split or tag.
        notes: decisions that the report shows.
    """

    data: Dataset
    tags: tuple[str, ...]
    rows: Mapping[SplitName, TaggedRows]
    fingerprint: str
    notes: tuple[str, ...]


def load_stream_data(plan: StreamPlan, progress: Progress | None = None) -> StreamData:
    """Reads the rows of a study.

    Raises:
        DataError: the rows cannot be used, or a domain has no training or test rows.
        ConfigError: the domains cannot be found.
    """
    config, notes = plan.config.data, list[str]()
    record_tags: Tags | None = None
    if plan.domains.sources:
        records, record_tags = _join(plan.domains.sources, config, progress)
    else:
        records = read_sources(config, progress)
        if plan.domains.column is not None:
            record_tags = _column(plan.domains.column, records, config, progress)
    loaded = load_records(records, config, progress)
    if record_tags is None:
        tags, tag_of = loaded.data.labels, _class_tags(loaded.data)
    else:
        tags, tag_of = _domain_tags(loaded, record_tags)
        notes += _no_domain_note(tag_of)
        notes += _alike_note(tags, tag_of)
    notes += _leave_out_copies(loaded.data, tag_of)
    if plan.limit is not None:
        tag_of = _limit(loaded.data, tag_of, len(tags), plan.limit)
    _check(loaded.data, tags, tag_of, classes=record_tags is None)
    notes += _few_rows_note(tags, tag_of["test"])
    return StreamData(
        data=loaded.data,
        tags=tags,
        rows={name: _used(loaded.data.splits[name], found) for name, found in tag_of.items()},
        fingerprint=_fingerprint(loaded.data, tags, tag_of),
        notes=(*loaded.data.notes, *notes),
    )


def _used(split: Split, tags: IntArray) -> TaggedRows:
    """Returns the rows of a split that have a tag."""
    used = np.flatnonzero(tags != LEFT_OUT)
    digests = None if split.digests is None else split.digests[used]
    rows = Split(pool_rows([split.inputs], used), split.labels[used], digests)
    return TaggedRows(rows, tags[used])


def _join(
    sources: Mapping[str, str], config: DataConfig, progress: Progress | None
) -> tuple[Records, list[str]]:
    """Returns the rows of all sources as one, and the name of the source of each."""
    parts = [read_source(source, config, progress) for source in sources.values()]
    names = [name for name, part in zip(sources, parts, strict=True) for _ in range(len(part))]
    return join_records(parts, ", ".join(part.source for part in parts)), names


def _column(
    column: str, records: Records, config: DataConfig, progress: Progress | None
) -> list[str | None]:
    """Returns the value of a column in each row: the source is read with it as the label."""
    try:
        named = read_sources(config.model_copy(update={"label": column}), progress)
    except ColumnError as error:
        if error.role != "label":
            raise
        # The reader knows the column as that of the labels; the user named it elsewhere.
        raise DataError(error.naming("stream.domains")) from None
    if as_strings(named.labels).equals(as_strings(records.labels)):
        raise ConfigError(
            f"'stream.domains' names the column '{column}', but {records.source} gives the labels"
            " there: they come from this column, or it is no table. Name another column, set"
            " data.label, or give each domain its source with [[stream.domain]]."
        )
    if len(named) != len(records):
        raise DataError(
            f"{records.source} has {len(records):,} rows with a label and {len(named):,} with the"
            f" column '{column}'; expected the same rows."
        )
    values = as_strings(named.labels).to_pylist()
    return [None if value is None else value.strip() or None for value in values]


def _domain_tags(
    loaded: LoadedRecords, names: Tags
) -> tuple[tuple[str, ...], dict[SplitName, IntArray]]:
    encoded = pa.array(names, pa.string()).dictionary_encode()
    codes = np.asarray(encoded.indices.fill_null(LEFT_OUT)).astype(np.int64)
    tags = tuple(encoded.dictionary.to_pylist())
    return tags, {split: codes[rows] for split, rows in loaded.positions.items()}


def _class_tags(data: Dataset) -> dict[SplitName, IntArray]:
    return {name: split.labels for name, split in data.splits.items()}


def _no_domain_note(tag_of: Mapping[SplitName, IntArray]) -> list[str]:
    count = sum(int((tags == LEFT_OUT).sum()) for tags in tag_of.values())
    return [f"{count:,} rows have no domain and are left out"] if count else []


def _alike_note(tags: tuple[str, ...], tag_of: Mapping[SplitName, IntArray]) -> list[str]:
    """Returns a note if names of domains differ only in what is easily mistyped."""
    used = np.concatenate([*tag_of.values()])
    counts = dict(zip(tags, np.bincount(used[used >= 0], minlength=len(tags)), strict=True))
    alike = [
        ", ".join(f"{tag!r} ({counts[tag]:,} rows)" for tag in group) for group in _alike(tags)
    ]
    if not alike:
        return []
    more = f"; and {len(alike) - _NAMED} more groups" if len(alike) > _NAMED else ""
    return [
        f"warning: {_ALIKE} are separate domains: {'; '.join(alike[:_NAMED])}{more}. If they are"
        " one domain, give its rows one name in the data"
    ]


def _alike(tags: tuple[str, ...]) -> list[list[str]]:
    """Returns the groups of names that are alike."""
    groups: dict[str, list[str]] = {}
    for tag in tags:
        groups.setdefault(fold_label(tag), []).append(tag)
    return [group for group in groups.values() if len(group) > 1]


def _few_rows_note(tags: tuple[str, ...], test: IntArray) -> list[str]:
    counts = np.bincount(test[test >= 0], minlength=len(tags))
    few = [f"{tag} ({n})" for tag, n in zip(tags, counts, strict=True) if n < _FEW_ROWS]
    if not few:
        return []
    more = f" and {len(few) - _NAMED} more" if len(few) > _NAMED else ""
    return [
        f"fewer than {_FEW_ROWS} test rows, so their macro-F1 says little, though it counts like"
        f" any other: {', '.join(few[:_NAMED])}{more}"
    ]


def _leave_out_copies(data: Dataset, tag_of: dict[SplitName, IntArray]) -> list[str]:
    """Leaves out held-out rows with the content of a training row of any domain, in place."""
    train, notes = data.splits["train"], []
    keys = _keys(data, "train")
    for name in tag_of:
        if name == "train":
            continue
        copies = np.isin(_keys(data, name), keys) & (tag_of[name] != LEFT_OUT)
        if copies.any():
            tag_of[name] = np.where(copies, LEFT_OUT, tag_of[name])
            notes.append(
                f"{int(copies.sum()):,} {name} rows have the content of a training row and are"
                " left out"
            )
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    shared = tag_of["train"] != tag_of["train"][first][number]
    if shared.any():
        notes.append(
            f"{int(shared.sum()):,} of {len(train):,} training rows have the content of a row of"
            " another domain; all copies of a content are on the same side of the split"
        )
    return notes


def _keys(data: Dataset, name: SplitName) -> npt.NDArray[np.uint64]:
    digests = data.splits[name].digests
    if digests is None:
        raise DataError(f"{data.source} has rows without a content hash; read them from files.")
    return digests[:, 0]


def _limit(
    data: Dataset, tag_of: Mapping[SplitName, IntArray], count: int, limit: int
) -> dict[SplitName, IntArray]:
    """Returns the tags with at most ``limit`` rows of each in a split."""
    limited = {}
    for name, tags in tag_of.items():
        split, chosen = data.splits[name], np.full(len(tags), LEFT_OUT, np.int64)
        for tag in range(count):
            rows = np.flatnonzero(tags == tag)
            if split.digests is not None:
                rows = limit_rows(split.digests, split.labels, rows, limit)
            chosen[rows] = tag
        limited[name] = chosen
    return limited


def _check(
    data: Dataset, tags: tuple[str, ...], tag_of: Mapping[SplitName, IntArray], *, classes: bool
) -> None:
    what = "class" if classes else "domain"
    needed: tuple[SplitName, ...] = ("train", "test")
    for split in needed:
        found = tag_of.get(split)
        counts = np.zeros(len(tags), int)
        if found is not None:
            counts = np.bincount(found[found >= 0], minlength=len(tags))
        if (counts == 0).any():
            missing = [tag for tag, count in zip(tags, counts, strict=True) if not count]
            more = "Raise data.test, add" if split == "test" else "Add"
            alike = [group for group in _alike(tags) if missing[0] in group and not classes]
            hint = f" {', '.join(map(repr, alike[0]))}: {_ALIKE} are separate." if alike else ""
            raise DataError(
                f"{data.source} has no {split} rows of '{missing[0]}'; every {what} needs training"
                f" and test rows. {more} rows, or take the {what} out.{hint}"
            )


def _fingerprint(data: Dataset, tags: tuple[str, ...], tag_of: Mapping[SplitName, IntArray]) -> str:
    digest = hashlib.sha256(f"{data.fingerprint} {tags}".encode())
    for name in sorted(tag_of):
        keys = _keys(data, name)
        digest.update(np.ascontiguousarray(tag_of[name][np.argsort(keys, kind="stable")]).tobytes())
    return digest.hexdigest()
