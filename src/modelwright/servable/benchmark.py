"""The benchmark of a servable: the speed of each engine on this machine, with recorded examples."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.hardware import detect
from modelwright.core.report import Report
from modelwright.core.types import Progress
from modelwright.servable.cost import MANY, Cost, measure_cost
from modelwright.servable.engines.registry import (
    REFERENCE,
    engine_kind,
    is_installed,
    is_known,
    resolve_engine,
)
from modelwright.servable.manifest import find_version, read_manifest

_WIDTH = 130
_QUANTILES = ("p50", "p95", "p99")


@dataclass(frozen=True)
class BenchmarkReport(Report):
    """The median cost of each engine over all rounds.

    ``skipped`` maps each engine that was not timed to the reason.
    """

    servable: Path
    machine: str
    rounds: int
    engines: dict[str, Cost]
    skipped: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        engines = {name: asdict(cost) for name, cost in self.engines.items()}
        return {**vars(self), "servable": str(self.servable), "engines": engines}

    def blocks(self) -> Sequence[Block]:
        """Returns a table of the engines, and what was measured where."""
        headers = ["engine", "p50 ms", "p95 ms", "p99 ms", "network ms", "times as fast"]
        headers += [f"rows/s by {MANY}", "s cold", "peak MiB"]
        facts = [
            ("machine", self.machine),
            ("rounds", self.rounds),
            *((f"{name} was skipped", reason) for name, reason in self.skipped.items()),
        ]
        return [
            Table(headers, [self._row(name) for name in self.engines], width=_WIDTH),
            Facts(f"benchmarked {self.servable}", facts),
        ]

    def _row(self, name: str) -> tuple[str, ...]:
        reference, cost = self.engines.get(REFERENCE), self.engines[name]
        faster = ""
        if reference:
            faster = f"{reference.latency_ms['p50'] / cost.latency_ms['p50']:.1f}"
        return (
            name,
            *(f"{cost.latency_ms[quantile]:.3f}" for quantile in _QUANTILES),
            f"{cost.network_ms:.3f}",
            faster,
            f"{cost.rows_per_second:,.0f}",
            f"{cost.cold_seconds:.2f}",
            f"{cost.peak_mib:,.0f}",
        )


def benchmark(
    path: Path | str,
    *,
    engines: Sequence[str] = (),
    rounds: int = 3,
    seconds: float = 2.0,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Times the engines of a servable in turn, each in a fresh process and on one thread.

    Args:
        path: a version's folder, or a model's folder for its live version.
        engines: the engines to time; none for all that are installed.
        rounds: how often each engine is timed.
        seconds: about how long each way of answering is timed in a round.
        progress: is called at each step.

    Raises:
        ConfigError: the servable does not hold such an engine.
        MissingDependencyError: none of the engines is installed.
        ServableError: the servable cannot be used, or an engine does not run.
    """
    folder = find_version(Path(path))
    manifest = read_manifest(folder)
    if rounds < 1:
        raise ConfigError(f"rounds was given {rounds}; expected at least 1.")
    chosen = [resolve_engine(name, folder, manifest) for name in engines] or list(manifest.engines)
    skipped = {name: "it is not installed" for name in chosen if not is_installed(name)}
    timed = [name for name in chosen if name not in skipped]
    if not timed:
        kinds = {engine_kind(name).name: engine_kind(name) for name in chosen if is_known(name)}
        install = ", ".join(f"'{kind.requirement}' for {name}" for name, kind in kinds.items())
        raise MissingDependencyError(
            f"none of {', '.join(chosen)} is installed here; install with: pip install {install}."
        )
    costs: dict[str, list[Cost]] = {name: [] for name in timed}
    for turn in range(rounds):
        for position, name in enumerate(timed):
            if progress:
                progress(f"timing {name}", turn * len(timed) + position, rounds * len(timed))
            examples = folder / manifest.examples_of(name)
            costs[name].append(measure_cost(folder, name, examples, seconds=seconds)[1])
    return BenchmarkReport(
        servable=folder,
        machine=detect().name,
        rounds=rounds,
        engines={name: _median(measured) for name, measured in costs.items()},
        skipped=skipped,
    )


def _median(costs: Sequence[Cost]) -> Cost:
    records = [asdict(cost) for cost in costs]
    latencies = [record.pop("latency_ms") for record in records]
    return Cost(
        latency_ms={key: statistics.median(one[key] for one in latencies) for key in latencies[0]},
        **{key: statistics.median(record[key] for record in records) for key in records[0]},
    )
