"""The hardware of this machine: cores, memory, instruction sets. Loads no framework."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Instruction sets that affect the speed of training, by their names in Linux.
_SETS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8")


@dataclass(frozen=True)
class Hardware:
    """The processor and memory. ``memory_mib`` is None if it is unknown."""

    processor: str
    cores: int
    memory_mib: int | None
    instruction_sets: tuple[str, ...]

    @property
    def name(self) -> str:
        """The processor and its number of cores, for reports."""
        return f"{self.processor}, {self.cores} core{'' if self.cores == 1 else 's'}"

    @property
    def bfloat16(self) -> bool:
        """Whether the processor has instructions to multiply bfloat16 matrices."""
        return "amx_bf16" in self.instruction_sets or "avx512_bf16" in self.instruction_sets


def detect() -> Hardware:
    """Returns the hardware of this machine."""
    name, flags = _linux_cpu() if platform.system() == "Linux" else _other_cpu()
    return Hardware(
        processor=name,
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        memory_mib=_memory_mib(),
        instruction_sets=tuple(item for item in _SETS if item in flags),
    )


def _linux_cpu() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return _other_cpu()
    fields = dict(part.split(":", 1) for part in reversed(lines) if ":" in part)
    values = {key.strip(): value.strip() for key, value in fields.items()}
    return values.get("model name", platform.machine()), set(values.get("flags", "").split())


def _other_cpu() -> tuple[str, set[str]]:
    if platform.system() != "Darwin":
        return platform.processor() or platform.machine(), set()
    brand = subprocess.run(
        ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
    )
    return brand.stdout.strip() or platform.machine(), set()


def _memory_mib() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError, AttributeError):
        return None
