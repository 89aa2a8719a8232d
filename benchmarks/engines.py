"""The engines of servables beside each other: one row at a time, many, cold start, memory.

What ``modelwright benchmark`` measures of each servable, kept: each engine in turn, in a process of
its own, on one thread, from the raw input to the probabilities, on the servable's own recorded
rows. ``faster`` is the median of the SavedModel over that of the engine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "servables": Option([], [], "folders of models", many=True, local=True),
    "seconds": Option(2.0, 0.2, "of each way of answering, in a round"),
}


def compare(given: argparse.Namespace) -> Figures:
    """Every servable, one after the other."""
    import modelwright

    if not given.servables:
        raise SystemExit("--servables was not given; expected folders of models, models/NAME.")
    results: Figures = {}
    for path in map(Path, given.servables):
        report = modelwright.benchmark(path, rounds=given.rounds, seconds=given.seconds)
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


def measure(**task: Any) -> Figures:
    """No side of this benchmark is a child of its own: the engines' are."""
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
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
