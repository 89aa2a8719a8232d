"""The quantization methods. To add one, add a row to ``METHODS``."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.servable.engines.kinds import kind_of, variant_of
from modelwright.servable.engines.litert import FOLDER, LITERT, LitertSettings

ENGINE = LITERT
"""The kind of engine that all methods write files for."""
ENGINE_FOLDER = FOLDER
"""The folder of its files, below the version's folder."""
BASELINE = "float32"
"""The method that is always tried; the sizes of the other files are compared with its file."""


@dataclass(frozen=True)
class QuantizationMethod:
    """One way to write a file."""

    name: str
    tolerance: float
    """The largest difference of a probability from the recorded one. For integers it is a few of
    256 steps, because another processor may round to the next integer."""
    settings: LitertSettings
    """Settings of the converter."""
    fine_tunes: str | None = None
    """The method that this one improves: it first trains the network on with rounded weights."""

    @property
    def engine(self) -> str:
        """Returns the name that a servable gives the engine with this method's file."""
        return f"{ENGINE.name}-{self.name}"


_INTEGERS = LitertSettings(quantize_weights=True, integers_only=True)
_ROWS = (
    QuantizationMethod("float32", 1e-4, LitertSettings()),
    QuantizationMethod("float16", 1e-3, LitertSettings(quantize_weights=True, float16=True)),
    QuantizationMethod("dynamic", 0.02, LitertSettings(quantize_weights=True)),
    QuantizationMethod("int8", 0.02, _INTEGERS),
    QuantizationMethod("int8-finetuned", 0.02, _INTEGERS, fine_tunes="int8"),
)
METHODS = {method.name: method for method in _ROWS}
"""All methods by name, the largest file first."""
METHOD_NAMES = tuple(method.name for method in _ROWS if not method.fine_tunes)
"""The methods that a user can name. The argument ``finetune`` adds those that fine-tune."""


def method_of(engine: str) -> QuantizationMethod:
    """Returns the method that wrote the file of an engine.

    Raises:
        KeyError: it is not the engine of a method.
    """
    return METHODS[variant_of(engine)]


def engines_of(name: str) -> list[str]:
    """Returns the engines of a method and of the methods that fine-tune it."""
    return [method.engine for method in _ROWS if name in (method.name, method.fine_tunes)]


def is_quantized(engine: str) -> bool:
    """Returns whether an engine's file is one that ``quantize`` wrote."""
    return kind_of(engine) == ENGINE.name
