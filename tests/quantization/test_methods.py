"""The table of methods is all that a method needs."""

from __future__ import annotations

from modelwright.quantization.methods import (
    METHOD_NAMES,
    METHODS,
    engines_of,
    is_quantized,
    method_of,
)


def test_each_engine_belongs_to_one_method() -> None:
    assert METHOD_NAMES == ("float32", "float16", "dynamic", "int8")
    for name, method in METHODS.items():
        assert method.engine == f"litert-{name}" and is_quantized(method.engine)
        assert method_of(method.engine) is method
    assert not is_quantized("onnx") and not is_quantized("savedmodel")


def test_a_method_that_fine_tunes_improves_another_method() -> None:
    assert engines_of("int8") == ["litert-int8", "litert-int8-finetuned"]
    assert engines_of("float16") == ["litert-float16"]
    for method in METHODS.values():
        assert method.fine_tunes is None or method.fine_tunes in METHOD_NAMES
