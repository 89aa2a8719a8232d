from __future__ import annotations

import pytest

from modelwright.core.hardware import Hardware, detect
from modelwright.training.precision import choose_precision

PLAIN = Hardware("a processor", 2, 1024, ("avx2", "fma"))
AMX = Hardware("a processor", 2, 1024, ("avx2", "amx_bf16"))
ZEN = Hardware("a processor", 2, 1024, ("avx2", "avx512_bf16"))


@pytest.mark.parametrize(
    ("machine", "gpu", "policy", "why"),
    [
        (PLAIN, None, "float32", "neither amx_bf16 nor avx512_bf16"),
        (AMX, None, "mixed_bfloat16", "amx_bf16"),
        (ZEN, None, "mixed_bfloat16", "avx512_bf16"),
        (PLAIN, {"device_name": "H", "compute_capability": (9, 0)}, "mixed_bfloat16", "H computes"),
        (PLAIN, {"device_name": "T", "compute_capability": (7, 5)}, "mixed_float16", "T computes"),
        (AMX, {"device_name": "P", "compute_capability": (6, 1)}, "float32", "P has no fast"),
    ],
)
def test_auto_picks_what_the_hardware_has_and_says_why(
    machine: Hardware, gpu: dict[str, object] | None, policy: str, why: str
) -> None:
    chosen = choose_precision("auto", machine, gpu)
    assert chosen.policy == policy
    assert why in chosen.reason


def test_jax_computes_in_float32_on_a_processor_and_as_tensorflow_does_on_a_gpu() -> None:
    assert choose_precision("auto", AMX, backend="jax").policy == "float32"
    gpu = {"device_name": "H", "compute_capability": (9, 0)}
    assert choose_precision("auto", PLAIN, gpu, backend="jax").policy == "mixed_bfloat16"


def test_a_persons_choice_stands() -> None:
    assert choose_precision("float32", AMX).policy == "float32"
    assert "many times slower" in choose_precision("mixed_float16", ZEN).reason
    assert "many times slower" in choose_precision("mixed_bfloat16", PLAIN).reason
    assert "slower" not in choose_precision("mixed_bfloat16", ZEN).reason


def test_this_machine_is_looked_at() -> None:
    here = detect()
    assert here.cores >= 1
    assert here.processor
