"""Converts ``TensorProto`` messages to numpy arrays and back, without TensorFlow.

Texts and files are object arrays of ``bytes``. A shape is checked against a limit and against the
data before memory of its size is allocated. ``DT_BFLOAT16`` and the types of a few bits are
refused, because numpy does not have them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.wire import messages
from modelwright.wire.messages import DATA_TYPES

Array = npt.NDArray[Any]
LIMIT = 2**22
"""The default limit on the elements of one tensor."""

_MOST_DIMENSIONS = 32
_FIELDS: Mapping[str, tuple[Any, str]] = {
    "DT_FLOAT": (np.float32, "float_val"),
    "DT_DOUBLE": (np.float64, "double_val"),
    "DT_INT32": (np.int32, "int_val"),
    "DT_UINT8": (np.uint8, "int_val"),
    "DT_INT16": (np.int16, "int_val"),
    "DT_INT8": (np.int8, "int_val"),
    "DT_STRING": (object, "string_val"),
    "DT_COMPLEX64": (np.complex64, "scomplex_val"),
    "DT_INT64": (np.int64, "int64_val"),
    "DT_BOOL": (np.bool_, "bool_val"),
    "DT_UINT16": (np.uint16, "int_val"),
    "DT_COMPLEX128": (np.complex128, "dcomplex_val"),
    "DT_HALF": (np.float16, "half_val"),
    "DT_UINT32": (np.uint32, "uint32_val"),
    "DT_UINT64": (np.uint64, "uint64_val"),
}
_NAMES = {number: name for name, number in DATA_TYPES.items()}
_BY_NAME: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(kind) for name, (kind, _) in _FIELDS.items()
}
_BY_DTYPE = {dtype: DATA_TYPES[name] for name, dtype in _BY_NAME.items()}


def name_of(enum: int) -> str:
    """Returns the name of a ``DataType``: ``"DT_FLOAT"`` for 1, ``"DT_INVALID"`` if unknown."""
    return _NAMES.get(enum, "DT_INVALID")


def dtype_of(enum: int | str) -> np.dtype[Any]:
    """Returns the numpy type of a ``DataType``, by its number or its name.

    Raises:
        ValueError: numpy has no such type.
    """
    name = enum if isinstance(enum, str) else _NAMES.get(enum, str(enum))
    found = _BY_NAME.get(name)
    if found is None:
        raise ValueError(f"element type {name} is not supported; expected one of {_known()}.")
    return found


def enum_of(dtype: npt.DTypeLike) -> int:
    """Returns the ``DataType`` of a numpy type; ``DT_STRING`` for objects, ``S`` and ``U``.

    Raises:
        ValueError: TensorFlow has no such type.
    """
    kind = np.dtype(dtype)
    if kind.kind in "SUO":
        return DATA_TYPES["DT_STRING"]
    found = _BY_DTYPE.get(kind.newbyteorder("="))
    if found is None:
        raise ValueError(f"arrays of {kind} are not supported; expected one of {_known()}.")
    return found


def to_array(proto: Any, *, limit: int = LIMIT) -> Array:
    """Returns the array of a ``TensorProto``; it may be read-only.

    If there are fewer values than elements, the last value is repeated, as in TensorFlow; without
    any value the elements are zeros or empty texts. More values than elements are refused, where
    TensorFlow would drop some.

    Args:
        proto: a message of ``messages``, or of TensorFlow's own classes.
        limit: most elements of the array.

    Raises:
        ValueError: the type is unknown, the shape is invalid or above the limit, or the values do
            not fit the shape.
    """
    dtype = dtype_of(proto.dtype)
    shape = _shape(proto.tensor_shape, limit)
    count = math.prod(shape)
    name = _NAMES[proto.dtype]
    if proto.tensor_content:
        return _from_content(proto.tensor_content, name, dtype, shape)
    values = getattr(proto, _FIELDS[name][1])
    if dtype.kind == "O":
        read: Array = np.empty(len(values), object)
        read[:] = list(values)
    else:
        read = _numbers(values, name, dtype)
    if len(read) > count:
        raise ValueError(f"{len(read)} values are given for a tensor of the shape {list(shape)}.")
    if len(read) < count:
        empty = b"" if dtype.kind == "O" else 0
        filled = np.full(count, read[-1] if len(read) else empty, dtype)
        filled[: len(read)] = read
        read = filled
    return read.reshape(shape)


def to_proto(array: npt.ArrayLike, into: Any = None) -> Any:
    """Returns an array as a ``TensorProto``, or writes it into ``into``.

    Several numbers become ``tensor_content``, which is one copy of memory. A single number becomes
    a ``*_val`` field, as in ``tf.make_tensor_proto``. Every client reads both forms.

    Raises:
        ValueError: TensorFlow has no such element type, or an object is no text.
    """
    values = np.asarray(array)
    enum = enum_of(values.dtype)
    proto = messages.TensorProto() if into is None else into
    proto.dtype = enum
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    name = _NAMES[enum]
    if name == "DT_STRING":
        proto.string_val.extend([_bytes(value) for value in values.ravel().tolist()])
    elif values.size == 1:
        _add_one(getattr(proto, _FIELDS[name][1]), values.reshape(1))
    elif values.size:
        proto.tensor_content = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return proto


def _shape(shape: Any, limit: int) -> tuple[int, ...]:
    if shape.unknown_rank:
        raise ValueError("the tensor's rank is unknown; expected a shape.")
    sizes = tuple(dim.size for dim in shape.dim)
    if len(sizes) > _MOST_DIMENSIONS:
        raise ValueError(f"the tensor has {len(sizes)} dimensions; expected {_MOST_DIMENSIONS}.")
    if any(size < 0 for size in sizes):
        raise ValueError(f"the tensor's shape {list(sizes)} has a negative dimension.")
    # Empty dimensions count as one: numpy cannot hold the shape [0, 2**62, 2**62].
    if math.prod(max(size, 1) for size in sizes) > limit:
        raise ValueError(f"the tensor's shape {list(sizes)} has more than {limit} elements.")
    return sizes


def _from_content(content: bytes, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if dtype.kind == "O":
        raise ValueError("a DT_STRING tensor has tensor_content; expected string_val.")
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(
            f"tensor_content has {len(content)} bytes; expected {expected} for {name} of the"
            f" shape {list(shape)}."
        )
    if dtype == np.bool_:  # every byte except 0 is true, and a bool array holds only 0 and 1
        flags: Array = np.frombuffer(content, np.uint8) != 0
        return flags.reshape(shape)
    little: Array = np.frombuffer(content, dtype.newbyteorder("<"))
    return little.astype(dtype, copy=False).reshape(shape)


def _numbers(values: Any, name: str, dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "c":
        if len(values) % 2:
            raise ValueError(f"a {name} tensor has {len(values)} numbers; expected pairs.")
        part = np.float32 if dtype == np.complex64 else np.float64
        return np.fromiter(values, part, len(values)).view(dtype)
    wide = np.int32 if _FIELDS[name][1] in ("int_val", "half_val") else dtype
    read = np.fromiter(values, wide, len(values))
    if wide == dtype:
        return read
    small = read.astype(np.uint16 if dtype == np.float16 else dtype)
    if not np.array_equal(small, read):
        raise ValueError(f"a value of the {name} tensor does not fit its type.")
    return small.view(dtype)


def _add_one(field: Any, value: Array) -> None:
    """Appends a number to a ``*_val`` field; a complex number as its two parts."""
    if value.dtype == np.float16:
        field.append(int(value.view(np.uint16)[0]))
    elif value.dtype.kind == "c":
        field.extend([value[0].real.item(), value[0].imag.item()])
    else:
        field.append(value[0].item())


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise ValueError(f"an object array holds a {type(value).__name__}; expected bytes or str.")


def _known() -> str:
    return ", ".join(_FIELDS)
