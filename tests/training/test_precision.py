from __future__ import annotations

import pytest

from modelwright.core.hardware import Hardware, detect
from modelwright.training.precision import choose_precision

PLAIN = Hardware("a processor", 2, 1024, ("avx2", "fma"))
AMX = Hardware("a processor", 2, 1024, ("avx2", "amx_bf16"))
ZEN = Hardware("a processor", 2, 1024, ("avx2", "avx512_bf16"))


@pytest.mark.parametrize(
    ("machine", "gpu", "policy", "reason"),
    [
        (PLAIN, None, "float32", "neither amx_bf16 nor avx512_bf16"),
        (AMX, None, "mixed_bfloat16", "amx_bf16"),
        (ZEN, None, "mixed_bfloat16", "avx512_bf16"),
        (PLAIN, {"device_name": "H", "compute_capability": (9, 0)}, "mixed_bfloat16", "H computes"),
        (PLAIN, {"device_name": "T", "compute_capability": (7, 5)}, "mixed_float16", "T computes"),
        (AMX, {"device_name": "P", "compute_capability": (6, 1)}, "float32", "P has no fast"),
    ],
)
def test_auto_follows_the_hardware_and_gives_the_reason(
    machine: Hardware, gpu: dict[str, object] | None, policy: str, reason: str
) -> None:
    chosen = choose_precision("auto", machine, gpu)
    assert chosen.policy == policy
    assert reason in chosen.reason


def test_jax_uses_float32_on_a_processor_and_the_same_as_tensorflow_on_a_gpu() -> None:
    assert choose_precision("auto", AMX, backend="jax").policy == "float32"
    gpu = {"device_name": "H", "compute_capability": (9, 0)}
    assert choose_precision("auto", PLAIN, gpu, backend="jax").policy == "mixed_bfloat16"


def test_an_explicit_precision_is_used() -> None:
    assert choose_precision("float32", AMX).policy == "float32"
    assert "many times slower" in choose_precision("mixed_float16", ZEN).reason
    assert "many times slower" in choose_precision("mixed_bfloat16", PLAIN).reason
    assert "slower" not in choose_precision("mixed_bfloat16", ZEN).reason


def test_the_hardware_of_this_machine_is_detected() -> None:
    here = detect()
    assert here.cores >= 1
    assert here.processor
