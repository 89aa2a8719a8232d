"""How busy the GPUs are during a training, and how much memory it takes at most.

``nvidia-smi`` tells the share of time in which a GPU computes. What it tells of memory includes
what a framework has reserved, so the peak comes from the framework. Nothing here fails a training.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import threading
from types import TracebackType
from typing import Any, Self

_SECONDS = 1.0
_QUERY = ("--query-gpu=index,uuid,utilization.gpu", "--format=csv,noheader,nounits")


class GpuUsage:
    """Samples the utilization of the visible GPUs in a thread, while it is entered.

    Args:
        active: whether there is a GPU to sample; otherwise nothing is started.
        seconds: between samples.
    """

    def __init__(self, *, active: bool, seconds: float = _SECONDS) -> None:
        self._program = shutil.which("nvidia-smi") if active else None
        self._active = active
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._samples: list[float] = []

    def __enter__(self) -> Self:
        if self._program:
            self._thread = threading.Thread(target=self._sample, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=10)

    def figures(self) -> dict[str, float]:
        """Returns ``gpu_utilization`` (0 to 1, mean) and ``gpu_memory_mib`` (peak), if known."""
        found: dict[str, float] = {}
        if self._samples:
            found["gpu_utilization"] = round(statistics.fmean(self._samples) / 100, 4)
        if self._active and (peak := _peak_bytes()):
            found["gpu_memory_mib"] = round(peak / 2**20, 1)
        return found

    def _sample(self) -> None:
        # The first second is start-up and compilation, so the first sample comes after it.
        while not self._stop.wait(self._seconds):
            try:
                done = subprocess.run(
                    [str(self._program), *_QUERY],
                    capture_output=True,
                    text=True,
                    timeout=10,
                    check=False,
                )
            except (OSError, subprocess.SubprocessError, ValueError):
                return
            if values := read_utilization(done.stdout, os.environ.get("CUDA_VISIBLE_DEVICES")):
                self._samples.append(statistics.fmean(values))


def read_utilization(text: str, visible: str | None) -> list[float]:
    """Returns the utilization of each GPU in percent, from what ``nvidia-smi`` prints.

    Args:
        text: lines of index, UUID and utilization. A GPU may not tell the latter.
        visible: ``CUDA_VISIBLE_DEVICES``, which names GPUs by index or UUID; None for all.
    """
    wanted = None if visible is None else [part.strip() for part in visible.split(",") if part]
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 3:
            continue
        index, uuid, value = parts
        if wanted is not None and not any(
            one == index or (len(one) > 4 and uuid.startswith(one)) for one in wanted
        ):
            continue
        try:
            found.append(float(value))
        except ValueError:  # "[N/A]"
            continue
    return found


def _peak_bytes() -> int:
    """Returns the most memory that arrays took on the first GPU; 0 if it is unknown."""
    import keras

    try:
        if keras.config.backend() == "jax":
            import jax

            stats: Any = jax.local_devices()[0].memory_stats() or {}
            return int(stats.get("peak_bytes_in_use", 0))
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    except Exception:  # noqa: BLE001 - figures must not end a training, whatever a driver says
        return 0
