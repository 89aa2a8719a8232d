"""Reads a state dict that torch saved, without torch and without unpickling.

A file has one of two layouts. The old one (torch before 1.6) is five pickles, then for each
storage an int64 length and its values. The newer one is a zip archive with one pickle,
``data.pkl``, and a member for each storage. ``PickleWalker`` follows the opcodes; of all names only
those of tensors and storages are known here, and any other is refused. Nothing is ever called.

The arrays are read-only views of the file's bytes. Files above 1 GiB are not read.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import DataError
from modelwright.core.pickle_walker import DAMAGE, PickleWalker, expect

SIZE_LIMIT = 2**30
"""Bytes of the largest file that is read."""
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_STORAGES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_FUNCTIONS = {
    "collections.OrderedDict": "dict",
    "torch._utils._rebuild_tensor": "tensor",
    "torch._utils._rebuild_tensor_v2": "tensor",
    "torch._utils._rebuild_parameter": "parameter",
}
_DAMAGE = (
    *(*DAMAGE, OSError, EOFError, MemoryError, RuntimeError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Name:
    """A function, or with ``dtype`` a storage class, that the pickle names."""

    function: str
    dtype: str = ""


@dataclass(frozen=True)
class _Storage:
    """The values of one or more tensors, stored outside the pickle."""

    key: str
    dtype: str
    count: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.count * _stored(self.dtype).itemsize


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(path: Path) -> dict[str, Array]:
    """Returns the tensors of a state dict by name, in the order of the file.

    bfloat16 becomes float32; other types stay as they are stored.

    Raises:
        DataError: The file cannot be read, is cut short or broken, or holds anything but tensors.
    """
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise DataError(
                f"{path.name} has {path.stat().st_size:,} bytes; weights of up to "
                f"{SIZE_LIMIT:,} bytes are read. Name the file of a smaller backbone."
            )
        return _Reader(path.name, path.read_bytes()).read()
    except _DAMAGE as error:
        raise DataError(
            f"{path.name} is not a file of torch weights: it is broken "
            f"({type(error).__name__}: {error}); fetch it again."
        ) from None


class _Walker(PickleWalker):
    """Follows the pickle of a state dict; tensors and storages are described, not built."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.storages: dict[str, _Storage] = {}

    def entries(self, content: bytes | BinaryIO) -> dict[str, _Tensor]:
        """Returns the tensors of a state dict by name."""
        value = self.walk(content)
        if not isinstance(value, dict):
            raise self.refused(f"it holds a {_kind(value)} in place of a dict of tensors")
        if not value:
            raise self.refused("it holds no tensors")
        for name, tensor in value.items():
            if not isinstance(name, str) or not isinstance(tensor, _Tensor):
                raise self.refused(
                    f"its entry '{str(name)[:40]}' is a {_kind(tensor)}, not a tensor"
                )
        return value

    def refused(self, reason: str) -> DataError:
        return DataError(
            f"{self._name} is not a plain state dict of torch: {reason}. Pickles are never "
            "executed; save the weights alone with torch.save(model.state_dict(), FILE)."
        )

    def named(self, function: str) -> _Name:
        if function in _STORAGES:
            return _Name("storage", _STORAGES[function])
        if function not in _FUNCTIONS:
            raise self.refused(f"it asks for {function[:80]}")
        return _Name(_FUNCTIONS[function])

    def called(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        kind = expect(function, _Name).function
        if kind == "dict" and not arguments:
            return {}
        if kind == "tensor":
            storage, offset, shape, strides = arguments[:4]
            return _Tensor(
                expect(storage, _Storage), _natural(offset), _naturals(shape), _naturals(strides)
            )
        if kind == "parameter":
            return expect(arguments[0], _Tensor)
        raise TypeError(f"a call of {kind}")

    def set_state(self, target: Any, state: Any) -> None:
        # A state dict carries the versions of its layers as an attribute, which changes no value.
        expect(target, dict)
        expect(state, dict)

    def persistent(self, identity: Any) -> _Storage:
        kind, name, key, _, count, *view = expect(identity, tuple)
        if kind != "storage" or any(part is not None for part in view):
            raise TypeError("a stored value that is no whole storage")
        storage = _Storage(expect(key, str), expect(name, _Name).dtype, _natural(count))
        if not storage.dtype:
            raise TypeError("a storage without a type")
        if self.storages.setdefault(storage.key, storage) != storage:
            raise ValueError(f"storage {storage.key[:40]} is described in two ways")
        return storage


class _Reader:
    """Reads the content of one file."""

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self._content = content

    def read(self) -> dict[str, Array]:
        """Returns the tensors of the file by name."""
        if self._content[:2] == b"PK":
            return self._read_zip()
        return self._read_old()

    def _read_zip(self) -> dict[str, Array]:
        with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            roots = [name.removesuffix("data.pkl") for name in sizes if _is_pickle(name)]
            if len(roots) != 1:
                raise ValueError(f"{len(roots)} members are named data.pkl, expected 1")
            root = roots[0]
            # Members are stored as they are, so they are never larger than the file.
            if sum(sizes.values()) > len(self._content):
                raise ValueError("its members are larger than the file")
            if f"{root}byteorder" in sizes and archive.read(f"{root}byteorder") != b"little":
                raise ValueError("its numbers are not little-endian")
            walker = _Walker(self._name)
            entries = walker.entries(archive.read(f"{root}data.pkl"))

            def stored(storage: _Storage) -> bytes:
                return archive.read(f"{root}data/{storage.key}")

            return self._tensors(entries, walker.storages, stored)

    def _read_old(self) -> dict[str, Array]:
        file = io.BytesIO(self._content)
        if _Walker(self._name).walk(file) != _MAGIC:
            raise ValueError("it does not begin as torch's files do")
        if _Walker(self._name).walk(file) != _PROTOCOL:
            raise ValueError(f"its layout is not torch's {_PROTOCOL}")
        system = expect(_Walker(self._name).walk(file), dict)
        if system.get("little_endian") is not True:
            raise ValueError("its numbers are not little-endian")
        walker = _Walker(self._name)
        entries = walker.entries(file)
        keys = expect(_Walker(self._name).walk(file), list)
        found: dict[str, bytes] = {}
        for key in keys:
            storage = walker.storages[expect(key, str)]
            (count,) = struct.unpack("<q", file.read(8))
            if count != storage.count:
                raise ValueError(f"storage {key[:40]} has {count} values, expected {storage.count}")
            found[key] = file.read(storage.size)
        return self._tensors(entries, walker.storages, lambda storage: found[storage.key])

    def _tensors(
        self,
        entries: dict[str, _Tensor],
        storages: dict[str, _Storage],
        stored: Callable[[_Storage], bytes],
    ) -> dict[str, Array]:
        if sum(storage.size for storage in storages.values()) > len(self._content):
            raise ValueError("its storages are larger than the file")
        values = {}
        for key, storage in storages.items():
            raw = stored(storage)
            if len(raw) != storage.size:
                raise ValueError(
                    f"storage {key[:40]} has {len(raw):,} bytes, expected {storage.size:,}"
                )
            values[key] = _values(raw, storage.dtype)
        return {name: _view(name, tensor, values) for name, tensor in entries.items()}


def _kind(value: Any) -> str:
    kinds: dict[type, str] = {_Name: "class", _Storage: "storage", _Tensor: "single tensor"}
    return kinds.get(type(value), type(value).__name__)


def _is_pickle(name: str) -> bool:
    return name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)


def _natural(value: Any) -> int:
    number = int(expect(value, int))
    if not 0 <= number < 2**48:
        raise ValueError(f"{number} in the place of a size")
    return number


def _naturals(value: Any) -> tuple[int, ...]:
    sizes = tuple(map(_natural, expect(value, tuple)))
    if len(sizes) > 8:
        raise ValueError(f"a tensor with {len(sizes)} dimensions")
    return sizes


def _stored(dtype: str) -> np.dtype[Any]:
    """Returns numpy's type of the stored values. It has no bfloat16, whose bits are kept."""
    return np.dtype("uint16" if dtype == "bfloat16" else dtype).newbyteorder("<")


def _values(raw: bytes, dtype: str) -> Array:
    values = np.frombuffer(raw, _stored(dtype))
    if dtype == "bfloat16":  # the upper half of a float32
        values = (values.astype(np.uint32) << 16).view(np.float32)
        values.flags.writeable = False
    return values


def _view(name: str, tensor: _Tensor, storages: dict[str, Array]) -> Array:
    values = storages[tensor.storage.key]
    if len(tensor.shape) != len(tensor.strides):
        raise ValueError(f"{name[:60]} has {len(tensor.shape)} sizes, {len(tensor.strides)} steps")
    count = math.prod(tensor.shape)
    if count == 0:
        return np.zeros(tensor.shape, values.dtype)
    pairs = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((size - 1) * step for size, step in pairs)
    if last >= len(values) or count > len(values):
        raise ValueError(f"{name[:60]} reaches outside its storage of {len(values):,} values")
    steps = [step * values.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(
        values[tensor.offset :], tensor.shape, steps, writeable=False
    )
