"""How fast each engine of a servable answers on this machine, on its own recorded examples."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.hardware import detect
from modelwright.core.terminal import table
from modelwright.core.types import Progress
from modelwright.servable import manifest
from modelwright.servable.cost import MANY, Cost, measure
from modelwright.servable.engines import installed, resolve

_BASE = "savedmodel"
_WIDE = 130


@dataclass(frozen=True)
class BenchmarkReport:
    """Medians over the rounds of each engine's cost; ``skipped`` maps others to why."""

    servable: Path
    machine: str
    rounds: int
    engines: dict[str, Cost]
    skipped: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        engines = {name: asdict(cost) for name, cost in self.engines.items()}
        return {**vars(self), "servable": str(self.servable), "engines": engines}

    def render(self) -> str:
        """For a person."""
        base = self.engines.get(_BASE)
        rows = []
        for name, cost in self.engines.items():
            times = base.latency_ms["p50"] / cost.latency_ms["p50"] if base else None
            rows.append(
                (
                    name,
                    *(f"{cost.latency_ms[key]:.3f}" for key in ("p50", "p95", "p99")),
                    f"{cost.network_ms:.3f}",
                    f"{times:.1f}" if times else "",
                    f"{cost.rows_per_second:,.0f}",
                    f"{cost.cold_seconds:.2f}",
                    f"{cost.peak_mib:,.0f}",
                )
            )
        heads = ["engine", "p50 ms", "p95 ms", "p99 ms", "network ms", "times as fast"]
        heads += [f"rows/s by {MANY}", "s cold", "peak MiB"]
        about = [
            ("machine", self.machine),
            ("rounds", self.rounds),
            *((f"{name} was skipped", reason) for name, reason in self.skipped.items()),
        ]
        what = table((f"benchmarked {self.servable}", ""), about)
        return f"{table(heads, rows, width=_WIDE)}\n\n{what}"


def benchmark(
    path: Path | str,
    *,
    engines: Sequence[str] = (),
    rounds: int = 3,
    seconds: float = 2.0,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Time the engines of a servable in turn, each time in a process of its own, on one thread.

    Args:
        path: a version's folder, or a model's, which means its newest version.
        engines: which of them; none for all that are installed.
        rounds: how often each is measured.
        seconds: about how long each way of answering is timed in a round.
        progress: told of each step.

    Raises:
        ConfigError: the servable does not hold such an engine.
        MissingDependencyError: nothing that was asked for is installed.
        ServableError: it cannot be used, or an engine does not run.
    """
    folder = manifest.find(Path(path))
    about = manifest.read(folder)
    if rounds < 1:
        raise ConfigError(f"rounds was given {rounds}; expected at least 1.")
    held = [resolve(name, folder, about) for name in engines] or list(about.engines)
    skipped = {name: "it is not installed" for name in held if not installed(name)}
    used = [name for name in held if name not in skipped]
    if not used:
        raise MissingDependencyError(
            f"none of {', '.join(held)} is installed here; install with: pip install"
            " 'modelwright[serve]' for onnx, 'modelwright[edge]' for litert, 'modelwright[train]'"
            " for savedmodel."
        )
    found: dict[str, list[Cost]] = {name: [] for name in used}
    for turn in range(rounds):
        for place, name in enumerate(used):
            if progress:
                progress(f"timing {name}", turn * len(used) + place, rounds * len(used))
            rows = folder / about.examples_of(name)
            found[name].append(measure(folder, name, rows, seconds=seconds)[1])
    return BenchmarkReport(
        servable=folder,
        machine=detect().name,
        rounds=rounds,
        engines={name: _median(costs) for name, costs in found.items()},
        skipped=skipped,
    )


def _median(costs: Sequence[Cost]) -> Cost:
    records = [asdict(cost) for cost in costs]
    latencies = [record.pop("latency_ms") for record in records]
    return Cost(
        latency_ms={key: statistics.median(one[key] for one in latencies) for key in latencies[0]},
        **{key: statistics.median(record[key] for record in records) for key in records[0]},
    )
