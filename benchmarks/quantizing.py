"""What quantization cost servables, from the tables that ``modelwright quantize`` left in them.

It measures nothing. For each servable it keeps what the table says about every file that was tried
on the held-out rows, including those that were not chosen.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {"servables": Option([], [], "folders of models", many=True, local=True)}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Reads the table of every servable."""
    from modelwright.quantization.table import TABLE_FILE
    from modelwright.servable.manifest import find_version

    if not arguments.servables:
        raise SystemExit("--servables was not given; expected folders of models, models/NAME.")
    results: Figures = {}
    for path in map(Path, arguments.servables):
        table = json.loads((find_version(path) / TABLE_FILE).read_text("utf-8"))
        medians = {name: _figures(one) for name, one in table["variants"].items()}
        title = f"{path.name}: {table['rows']:,} rows of the split {table['split']}"
        headers = ("engine", "MiB", "smaller", "accuracy", "points", "flips", "difference")
        rows = [
            (
                name,
                f"{one['mib']:.2f}",
                harness.format_number(one["times_smaller"], ".2f"),
                f"{one['accuracy']:.2%}",
                f"{one['points']:+.2f}",
                f"{one['flips']:.2%}",
                f"{one['max_difference']:.1e}",
            )
            for name, one in medians.items()
        ]
        harness.print_table(title, headers, rows)
        results[path.name] = {
            "held_out": f"{table['rows']} rows of the split {table['split']}",
            "missing": table["missing"],
            "medians": medians,
        }
    return results


def measure_side(**task: Any) -> Figures:
    """Refuses: this script has no sides."""
    raise SystemExit(f"unexpected task {task}")


def _figures(one: Figures) -> Figures:
    low, high = (100 * end for end in one["interval"])
    return {
        "mib": one["bytes"] / 2**20,
        "times_smaller": one["times_smaller"],
        "accuracy": one["accuracy"],
        "macro_f1": one["macro_f1"],
        "points": 100 * one["change"],
        "points_interval": [low, high],
        "flips": one["flips"],
        "max_difference": one["max_difference"],
    }


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
