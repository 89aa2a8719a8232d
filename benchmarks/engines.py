"""The engines of servables: latency of one row, throughput, cold start and memory.

It keeps what ``modelwright benchmark`` measures: each engine in turn, in its own process, on one
thread, from the raw input to the probabilities, on the recorded rows of the servable. ``faster`` is
the median of the SavedModel over the median of the engine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "servables": Option([], [], "folders of models", many=True, local=True),
    "seconds": Option(2.0, 0.2, "seconds of each measurement, per round"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures one servable after the other."""
    import modelwright

    if not arguments.servables:
        raise SystemExit("--servables was not given; expected folders of models, models/NAME.")
    results: Figures = {}
    for path in map(Path, arguments.servables):
        report = modelwright.benchmark(path, rounds=arguments.rounds, seconds=arguments.seconds)
        print(report.render(), flush=True)
        base = report.engines["savedmodel"].latency_ms["p50"]
        results[path.name] = {
            "medians": {
                name: {"p50_ms": cost.latency_ms["p50"], **_figures(cost)}
                for name, cost in report.engines.items()
            },
            "faster": {
                name: harness.ratio(base, cost.latency_ms["p50"])
                for name, cost in report.engines.items()
            },
        }
    return results


def measure_side(**task: Any) -> Figures:
    """Refuses: the engines start their own processes."""
    raise SystemExit(f"unexpected task {task}")


def _figures(cost: Any) -> Figures:
    return {
        "p95_ms": cost.latency_ms["p95"],
        "p99_ms": cost.latency_ms["p99"],
        "network_ms": cost.network_ms,
        "rows_per_second": cost.rows_per_second,
        "cold_seconds": cost.cold_seconds,
        "peak_mib": cost.peak_mib,
    }


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
