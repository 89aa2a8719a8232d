"""Reads the pickles of CIFAR without unpickling: nothing in the file is ever called.

``PickleWalker`` follows the opcodes. Numpy's few ways to write a uint8 array are recognized here
by name. Any other name in the file is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.pickle_walker import DAMAGE, PickleWalker, expect
from modelwright.core.types import UInt8Array

_KINDS = {
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
    "_codecs.encode": "encode",
    "numpy.core.multiarray._reconstruct": "reconstruct",
    "numpy._core.multiarray._reconstruct": "reconstruct",
    "numpy.core.numeric._frombuffer": "frombuffer",
    "numpy._core.numeric._frombuffer": "frombuffer",
}


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
        return _plain(_BatchWalker(name).walk(content))
    except DAMAGE as error:
        raise DataError(
            f"{name} is not a CIFAR batch: it is broken ({type(error).__name__}: {error}); "
            "expected the official python version"
        ) from None


class _BatchWalker(PickleWalker):
    """Follows the pickle of a batch, with numpy's arrays in it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def refused(self, reason: str) -> DataError:
        return DataError(f"{self._name} is not a CIFAR batch: {reason}; pickles are never executed")

    def named(self, function: str) -> _Name:
        if function not in _KINDS:
            raise self.refused(f"it asks for {function[:80]}")
        return _Name(_KINDS[function])

    def called(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        kind = expect(function, _Name).kind
        if kind == "encode":
            return expect(arguments[0], str).encode("latin-1")
        if kind == "dtype":
            return _Dtype(_text(arguments[0]))
        if kind == "reconstruct" and arguments[0] == _Name("ndarray"):
            return _Array()
        if kind == "frombuffer":
            raw, dtype, shape, order = arguments
            return _Array(_pixels(raw, dtype, shape, fortran=order == "F"))
        raise TypeError(f"a call of {kind}")

    def set_state(self, target: Any, state: Any) -> None:
        if isinstance(target, _Array):
            _, shape, dtype, fortran, raw = expect(state, tuple)
            target.pixels = _pixels(raw, dtype, shape, fortran=bool(fortran))
        elif not isinstance(target, _Dtype):
            raise TypeError(f"a state for a {type(target).__name__}")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(expect(value, str))


def _pixels(raw: Any, dtype: Any, shape: Any, *, fortran: bool) -> UInt8Array:
    code = expect(dtype, _Dtype).code
    if code not in ("u1", "|u1", "uint8", "B"):
        raise TypeError(f"an array of {code[:20]}, expected uint8")
    sides = tuple(int(expect(side, int)) for side in expect(shape, tuple))
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
