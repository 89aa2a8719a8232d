"""Reads a folder per class, with images or ``.txt`` files, on the disk or inside a zip file.

The rows follow from the names alone (``folder_layout.py``); images are decoded later. Nothing is
unpacked to the disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from modelwright.core.errors import DataError
from modelwright.core.types import Rejected
from modelwright.data.image_files import IMAGE_EXTENSIONS, misnamed
from modelwright.data.readers.encodings import decode_text
from modelwright.data.readers.folder_layout import Layout, find_layout, leave_out
from modelwright.data.readers.folder_notes import counted, joined, shown_path
from modelwright.data.readers.folder_walk import FoundFiles, Parts, walk_folder
from modelwright.data.readers.named_folders import NamedFolders
from modelwright.data.readers.zip_folders import unpack_zip
from modelwright.data.records import Column, Encoded, Records

_NOTHING_NAMED = NamedFolders()
_TABLES = frozenset({".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet"})
_PACKED = frozenset({".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz"})


def read_folder(
    root: Path, encoding: str = "auto", named: NamedFolders = _NOTHING_NAMED
) -> Records:
    """Returns the images of a folder per class, or its ``.txt`` files if it has no images.

    Args:
        root: The folder. Links in it are followed.
        encoding: Encoding of the texts.
        named: The folders of splits, and those to leave out.

    Raises:
        DataError: The folder holds no classes with such files, or its folders can be read in two
            ways.
    """
    return _records(
        walk_folder(root), lambda parts: root.joinpath(*parts), str(root), encoding, named
    )


def read_zip(path: Path, encoding: str = "auto", named: NamedFolders = _NOTHING_NAMED) -> Records:
    """Returns the same as ``read_folder`` for a zip file.

    Raises:
        DataError: See ``read_folder`` and ``unpack_zip``.
    """
    found, content, notes = unpack_zip(path, encoding)
    records = _records(found, content.__getitem__, str(path), encoding, named)
    return records.with_notes(*notes)


def _records(
    found: FoundFiles,
    content: Callable[[Parts], Encoded],
    source: str,
    encoding: str,
    named: NamedFolders,
) -> Records:
    files, skipped = leave_out(found.files, named.skip, source)
    has_images, kind_note = _kind(files)
    wanted = IMAGE_EXTENSIONS if has_images else {".txt"}
    layout = find_layout([p for p in files if _suffix(p) in wanted], named, source)
    others = [parts for parts in files if _suffix(parts) not in wanted]
    rejected = [*found.rejected, *layout.rejected]
    rejected += [_other_file(parts, content(parts), has_images=has_images) for parts in others]
    if not layout.rows:
        raise _nothing_found(source, rejected)
    tables = [shown_path(p) for p in others if _suffix(p) in _TABLES]
    if tables and len(set(layout.labels)) == 1:
        raise _table_beside(source, layout.labels[0], tables)
    rows, labels, splits = layout.rows, layout.labels, layout.splits
    values: Column = [content(parts) for parts in rows]
    if not has_images:
        texts = [_text(v, encoding, "/".join(p)) for v, p in zip(values, rows, strict=True)]
        rejected += [text for text in texts if isinstance(text, Rejected)]
        good = [at for at, text in enumerate(texts) if isinstance(text, str)]
        rows, labels = [rows[at] for at in good], [labels[at] for at in good]
        values = [texts[at] for at in good]
        splits = splits and [splits[at] for at in good]
    origins = ["/".join(parts) for parts in rows]
    return Records(
        task="image" if has_images else "text",
        values=values,
        labels=labels,
        splits=splits,
        origin=origins.__getitem__,
        source=source,
        rejected=tuple(rejected),
        notes=(
            *layout.notes,
            *kind_note,
            *skipped,
            *found.notes(),
            *_classes_without_rows(layout, others),
        ),
    )


def _kind(files: Sequence[Parts]) -> tuple[bool, list[str]]:
    """Returns whether images are read and not texts, and a note if there are both.

    Texts are read if more of them lie in folders than images do: those are covers, then. A text
    with the name of an image describes it and does not count. Without any in folders, the files
    beside the folders count.
    """
    inside = [parts for parts in files if len(parts) > 1]
    images = [Path(parts[-1]).stem for parts in inside if _suffix(parts) in IMAGE_EXTENSIONS]
    texts = [Path(parts[-1]).stem for parts in inside if _suffix(parts) == ".txt"]
    if not texts:
        return any(_suffix(parts) in IMAGE_EXTENSIONS for parts in files), []
    if not images:
        return False, []
    described = set(images)
    has_images = len(images) >= sum(stem not in described for stem in texts)
    left = counted(len(texts), "text") if has_images else counted(len(images), "image")
    what = "images" if has_images else "texts"
    return has_images, [
        f"{what} are read, and not the {left} among them; a source of their own reads those"
    ]


def _table_beside(source: str, folder: str, tables: Sequence[str]) -> DataError:
    return DataError(
        f"{source} has one folder of a class, '{folder}', and next to it {joined(tables)}. If the "
        "table says which image has which label, give its path"
        f"{', unpacked from the zip file' if source.lower().endswith('.zip') else ''}: "
        f"{Path(source).with_suffix('') if source.lower().endswith('.zip') else source}/{tables[0]}"
        " (images in another folder than its own: --set data.image_root=FOLDER)"
    )


def _nothing_found(source: str, rejected: Sequence[Rejected]) -> DataError:
    first = "; ".join(f"{row.origin} {row.reason}" for row in rejected[:3])
    return DataError(
        f"{source} holds no folder of a class with images ({', '.join(sorted(IMAGE_EXTENSIONS))}) "
        f"or .txt files; expected {Path(source).name}/CLASS/image.png, with train/, val/ and test/ "
        f"above the classes if you like{f'. It holds: {first}' if first else ''}"
    )


def _classes_without_rows(layout: Layout, others: Sequence[Parts]) -> list[str]:
    """Returns a note about the folders next to classes in which no file can be read."""
    used = {parts[: len(at) + 1] for at in layout.above for parts in layout.rows}
    unused = {
        parts[: len(at) + 1]
        for at in layout.above
        for parts in others
        if parts[: len(at)] == at and len(parts) > len(at) + 1
    } - used
    around = {at[:depth] for at in layout.above for depth in range(len(at) + 1)}
    shown = [f"{shown_path(parts)}/" for parts in sorted(unused - around)]
    return [f"no file in {joined(shown)} can be read, so these are no classes"] if shown else []


def _other_file(parts: Parts, encoded: Encoded, *, has_images: bool) -> Rejected:
    if _suffix(parts) in IMAGE_EXTENSIONS:
        reason: str | None = "is an image among texts"
    elif _suffix(parts) in _PACKED:
        reason = "is packed, and not read inside of another source; unpack it"
    else:
        reason = misnamed(encoded)
    kind = "an image" if has_images else "a text (.txt)"
    return Rejected("/".join(parts), reason or f"is not {kind} file")


def _text(encoded: Encoded, encoding: str, origin: str) -> str | Rejected:
    try:
        data = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
        return decode_text(data, encoding, origin)
    except OSError as error:
        return Rejected(origin, f"cannot be read ({error.strerror})")
    except DataError as error:
        return Rejected(origin, str(error).removeprefix(f"{origin} "))


def _suffix(parts: Parts) -> str:
    return os.path.splitext(parts[-1])[1].lower()  # noqa: PTH122 - Path is 10 times slower
