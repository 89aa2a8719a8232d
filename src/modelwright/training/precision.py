"""The number format in which layers compute, and the reason. Imports no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwright.core.hardware import Hardware


@dataclass(frozen=True)
class Precision:
    """The name of a Keras dtype policy, and the reason for it."""

    policy: str
    reason: str


def choose_precision(
    setting: str,
    hardware: Hardware,
    gpu: Mapping[str, object] | None = None,
    *,
    backend: str = "tensorflow",
) -> Precision:
    """Returns the precision of a training. Outputs and stored weights are always float32.

    Args:
        setting: ``train.precision``.
        hardware: this machine.
        gpu: what ``runtime.gpu_details`` returns.
        backend: Keras' backend.
    """
    if setting != "auto":
        slow = {"mixed_float16": True, "mixed_bfloat16": not hardware.bfloat16}
        slow_here = gpu is None and slow.get(setting, False)
        note = "; on this processor it is many times slower than float32" if slow_here else ""
        return Precision(setting, f"set by train.precision{note}")
    if gpu is not None:
        capability = gpu.get("compute_capability")
        name = gpu.get("device_name", "the GPU")
        if isinstance(capability, tuple) and capability >= (8, 0):
            return Precision("mixed_bfloat16", f"{name} computes bfloat16 natively")
        if isinstance(capability, tuple) and capability >= (7, 0):
            return Precision("mixed_float16", f"{name} computes float16 natively")
        return Precision("float32", f"{name} has no fast 16-bit arithmetic")
    if backend == "jax":
        return Precision("float32", "JAX is slower in bfloat16 on a processor")
    if hardware.bfloat16:
        sets = [name for name in hardware.instruction_sets if "bf16" in name]
        return Precision("mixed_bfloat16", f"the processor has {' and '.join(sets)}")
    return Precision("float32", "the processor has neither amx_bf16 nor avx512_bf16")
