"""Files of torch, written by hand from arrays: torch itself is not needed."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
MAGIC = 0x1950A86A20F9469CFC6C


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    if value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)


def sizes(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def name(module: str, function: str) -> bytes:
    return f"c{module}\n{function}\n".encode()


def tensor(
    key: str,
    count: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    offset: int = 0,
    storage: str = "FloatStorage",
) -> bytes:
    """The opcodes of one tensor."""
    stored = b"(" + text("storage") + name("torch", storage) + text(key) + text("cpu")
    stored += number(count) + b"tQ"
    hooks = name("collections", "OrderedDict") + b")R"
    values = stored + number(offset) + sizes(shape) + sizes(strides) + b"\x89" + hooks
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + values + b"tR"


def state_dict(entries: Mapping[str, bytes], *, state: bytes = b"") -> bytes:
    """The pickle of an OrderedDict with such values."""
    pairs = b"".join(text(key) + value for key, value in entries.items())
    return b"\x80\x02" + name("collections", "OrderedDict") + b")R(" + pairs + b"u" + state + b"."


def old_file(
    content: bytes, storages: Mapping[str, bytes], counts: Mapping[str, int] | None = None
) -> bytes:
    """A file of torch before 1.6: five pickles, then lengths and values."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    head = [pickle.dumps(value, 2) for value in (MAGIC, 1001, system)]
    keys = pickle.dumps(list(storages), 2)
    tail = [
        struct.pack("<q", counts[key] if counts else len(raw) // 4) + raw
        for key, raw in storages.items()
    ]
    return b"".join([*head, content, keys, *tail])


def zip_file(content: bytes, storages: Mapping[str, bytes], *, root: str = "archive") -> bytes:
    """A file of torch since 1.6."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{root}/data.pkl", content)
        archive.writestr(f"{root}/byteorder", b"little")
        for key, raw in storages.items():
            archive.writestr(f"{root}/data/{key}", raw)
        archive.writestr(f"{root}/version", b"3\n")
    return out.getvalue()


def save(arrays: Mapping[str, np.ndarray[Any, Any]], *, old: bool = True) -> bytes:
    """A file with arrays by name, each in a storage of its own."""
    entries, storages, counts = {}, {}, {}
    for position, (key, array) in enumerate(arrays.items()):
        whole = np.ascontiguousarray(array)
        steps = tuple(step // whole.itemsize for step in whole.strides) if array.ndim else ()
        entries[key] = tensor(
            str(position), array.size, array.shape, steps, storage=STORAGES[str(array.dtype)]
        )
        storages[str(position)], counts[str(position)] = whole.tobytes(), array.size
    content = state_dict(entries)
    return old_file(content, storages, counts) if old else zip_file(content, storages)
