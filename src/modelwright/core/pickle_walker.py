"""Walks the opcodes of a pickle without unpickling: nothing in the file is ever called.

``pickletools`` lists the opcodes. Those that build dicts, lists, tuples, numbers and strings are
followed here. What a name, a call or a stored state stands for is decided by a subclass, which
knows the few names of its format and refuses every other. No name is ever imported.
"""

from __future__ import annotations

import pickletools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, BinaryIO

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
_MARK = object()

DAMAGE = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)
"""What a walk raises for a broken pickle, besides the errors of ``refused``."""


class PickleWalker(ABC):
    """Follows the opcodes of one pickle on a stack. Use a new one for each pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    @abstractmethod
    def refused(self, reason: str) -> Exception:
        """Returns the error for a pickle that asks for what its format does not need."""

    @abstractmethod
    def named(self, function: str) -> Any:
        """Returns what stands for a function or a class, given as ``module.name``."""

    @abstractmethod
    def called(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """Returns what stands for the result of a call. ``function`` may be any value."""

    @abstractmethod
    def set_state(self, target: Any, state: Any) -> None:
        """Takes over the stored state of a value that ``called`` returned. Both may be wrong."""

    def persistent(self, identity: Any) -> Any:
        """Returns what stands for a value that is stored outside the pickle."""
        raise self.refused("it uses the opcode BINPERSID")

    def walk(self, content: bytes | BinaryIO) -> Any:
        """Returns the value of the pickle. An open file stands behind the pickle afterwards.

        Raises:
            ValueError: The pickle is broken; so may be any other exception in ``DAMAGE``.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in a broken string
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
            _set(stack[-1], pairs)
        elif code in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[len(self._memo) if code == "MEMOIZE" else argument] = stack[-1]
        elif code in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif code in ("APPEND", "APPENDS"):
            items = [stack.pop()] if code == "APPEND" else self._since_mark()
            expect(stack[-1], list).extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            pairs = self._pop(2) if code == "SETITEM" else self._since_mark()
            _set(stack[-1], pairs)
        else:
            self._step_out(code, argument)

    def _step_out(self, code: str, argument: Any) -> None:
        """Follows an opcode that reaches out of the pickle, to a name or to other content."""
        stack = self._stack
        if code == "GLOBAL":
            stack.append(self.named(".".join(str(argument).split())))
        elif code == "STACK_GLOBAL":
            stack.append(self.named(".".join(str(part) for part in self._pop(2))))
        elif code == "REDUCE":
            function, arguments = self._pop(2)
            stack.append(self.called(function, expect(arguments, tuple)))
        elif code == "BUILD":
            state = stack.pop()
            self.set_state(stack[-1], state)
        elif code == "BINPERSID":
            stack.append(self.persistent(stack.pop()))
        elif code not in _IGNORED:
            raise self.refused(f"it uses the opcode {code}")

    def _top(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise IndexError("too few values")
        return self._stack[-count:]

    def _pop(self, count: int) -> list[Any]:
        items = self._top(count)
        del self._stack[-count:]
        return items

    def _since_mark(self) -> list[Any]:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                items = self._stack[position + 1 :]
                del self._stack[position:]
                return items
        raise IndexError("no mark")


def expect(value: Any, kind: type) -> Any:
    """Returns a value of the expected type.

    Raises:
        TypeError: The value has another type.
    """
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _set(target: Any, pairs: list[Any]) -> None:
    values = expect(target, dict)
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        # Hashing a nested tuple as a key could take forever.
        if not isinstance(key, str | bytes | int):
            raise TypeError("a key that is not a text")
        values[key] = value
