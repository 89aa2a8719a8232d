"""Reads the data in a pickle without unpickling: nothing in the file is ever called.

``pickletools`` lists the opcodes. Those that build dicts, lists, tuples, numbers and strings are
followed here, and numpy's few ways to write a uint8 array are recognized by name. Any other name
in the file is rejected.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import UInt8Array

_NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
_TEXTS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_STRINGS = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
_BYTES = {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_LITERALS = _NUMBERS | _TEXTS | _STRINGS | _BYTES
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_KINDS = {
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy._core.multiarray _reconstruct": "reconstruct",
    "numpy.core.numeric _frombuffer": "frombuffer",
    "numpy._core.numeric _frombuffer": "frombuffer",
}
_MARK = object()


@dataclass(frozen=True)
class _Name:
    """A function or class that the pickle names, by what it would do."""

    kind: str


@dataclass
class _Array:
    pixels: UInt8Array | None = None


@dataclass(frozen=True)
class _Dtype:
    code: str


def parse_pickle(content: bytes, name: str) -> Any:
    """Returns the value of a pickle, made of dict, list, tuple, int, float, bool, str, bytes and
    uint8 arrays. Text written by Python 2 becomes str in latin-1.

    Args:
        content: The bytes of the file, protocols 0 to 5.
        name: Name of the file, for messages.

    Raises:
        DataError: The file is broken, or needs a function, a class or an array that is not uint8.
    """
    try:
        return _plain(_Machine(name).run(content))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{name} is not a CIFAR batch: it is broken ({type(error).__name__}: {error}); "
            "expected the official python version"
        ) from None


class _Machine:
    """Runs the opcodes of a pickle on a stack."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, content: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(content):
            self._step(opcode.name, argument)
        if len(self._stack) != 1:
            raise ValueError(f"{len(self._stack)} values at its end")
        return self._stack[0]

    def _step(self, code: str, argument: Any) -> None:
        stack = self._stack
        if code in _LITERALS:
            stack.append(argument)
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code]())
        elif code == "MARK":
            stack.append(_MARK)
        elif code in _TUPLES:
            count = _TUPLES[code]
            stack[-count:] = [tuple(self._top(count))]
        elif code in ("TUPLE", "LIST"):
            items = self._since_mark()
            stack.append(tuple(items) if code == "TUPLE" else items)
        elif code == "DICT":
            pairs = self._since_mark()
            stack.append({})
            self._set(stack[-1], pairs)
        elif code in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[len(self._memo) if code == "MEMOIZE" else argument] = stack[-1]
        elif code in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif code in ("APPEND", "APPENDS"):
            items = [stack.pop()] if code == "APPEND" else self._since_mark()
            _expect(stack[-1], list).extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            pairs = self._pop(2) if code == "SETITEM" else self._since_mark()
            self._set(stack[-1], pairs)
        elif code == "GLOBAL":
            stack.append(self._named(str(argument)))
        elif code == "STACK_GLOBAL":
            stack.append(self._named(" ".join(str(part) for part in self._pop(2))))
        elif code == "REDUCE":
            function, arguments = self._pop(2)
            stack.append(self._reduce(function, arguments))
        elif code == "BUILD":
            state = stack.pop()
            _build(stack[-1], state)
        elif code not in _IGNORED:
            raise DataError(
                f"{self._name} is not a CIFAR batch: it uses the opcode {code}; "
                "pickles are never executed"
            )

    def _named(self, words: str) -> _Name:
        if words not in _KINDS:
            function = ".".join(words.split())[:80]
            raise DataError(
                f"{self._name} is not a CIFAR batch: it asks for {function}; "
                "pickles are never executed"
            )
        return _Name(_KINDS[words])

    def _reduce(self, function: Any, arguments: Any) -> Any:
        kind = _expect(function, _Name).kind
        values = _expect(arguments, tuple)
        if kind == "encode":
            return _expect(values[0], str).encode("latin-1")
        if kind == "dtype":
            return _Dtype(_text(values[0]))
        if kind == "reconstruct" and values[0] == _Name("ndarray"):
            return _Array()
        if kind == "frombuffer":
            raw, dtype, shape, order = values
            return _Array(_pixels(raw, dtype, shape, fortran=order == "F"))
        raise TypeError(f"a call of {kind}")

    def _top(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise IndexError("too few values")
        return self._stack[-count:]

    def _pop(self, count: int) -> list[Any]:
        items = self._top(count)
        del self._stack[-count:]
        return items

    def _mark(self) -> int:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                return position
        raise IndexError("no mark")

    def _since_mark(self) -> list[Any]:
        mark = self._mark()
        items = self._stack[mark + 1 :]
        del self._stack[mark:]
        return items

    def _set(self, target: Any, pairs: list[Any]) -> None:
        values = _expect(target, dict)
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            # Hashing a nested tuple as a key could take forever.
            if not isinstance(key, str | bytes | int):
                raise TypeError("a key that is not a text")
            values[key] = value


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(_expect(value, str))


def _build(target: Any, state: Any) -> None:
    if isinstance(target, _Array):
        _, shape, dtype, fortran, raw = _expect(state, tuple)
        target.pixels = _pixels(raw, dtype, shape, fortran=bool(fortran))
    elif not isinstance(target, _Dtype):
        raise TypeError(f"a state for a {type(target).__name__}")


def _pixels(raw: Any, dtype: Any, shape: Any, *, fortran: bool) -> UInt8Array:
    code = _expect(dtype, _Dtype).code
    if code not in ("u1", "|u1", "uint8", "B"):
        raise TypeError(f"an array of {code[:20]}, expected uint8")
    sides = tuple(int(_expect(side, int)) for side in _expect(shape, tuple))
    content = raw.encode("latin-1") if isinstance(raw, str) else bytes(raw)
    pixels = np.frombuffer(content, np.uint8)
    return pixels.reshape(sides, order="F" if fortran else "C")


def _plain(value: Any) -> Any:
    """Returns the outer dict with its arrays. The values of a batch are not nested any deeper."""
    if not isinstance(value, dict):
        raise TypeError(f"a {type(value).__name__}, expected a dict")
    return {
        _text(key) if isinstance(key, bytes) else key: (
            item.pixels if isinstance(item, _Array) else item
        )
        for key, item in value.items()
    }
