"""What quantising cost servables: the tables that ``modelwright quantize`` left in them.

It measures nothing: it keeps, of each servable, what the table says of every file that was tried on
the held-out rows, those that were not chosen too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {"servables": Option([], [], "folders of models", many=True, local=True)}


def compare(given: argparse.Namespace) -> Figures:
    """Every servable's table."""
    from modelwright.quantization.table import TABLE_FILE
    from modelwright.servable.manifest import find_version

    if not given.servables:
        raise SystemExit("--servables was not given; expected folders of models, models/NAME.")
    results: Figures = {}
    for path in map(Path, given.servables):
        table = json.loads((find_version(path) / TABLE_FILE).read_text("utf-8"))
        medians = {name: _figures(one) for name, one in table["variants"].items()}
        title = f"{path.name}: {table['rows']:,} rows of the split {table['split']}"
        heads = ("engine", "MiB", "smaller", "accuracy", "points", "flips", "difference")
        rows = [
            (
                name,
                f"{one['mib']:.2f}",
                harness.show(one["times_smaller"], ".2f"),
                f"{one['accuracy']:.2%}",
                f"{one['points']:+.2f}",
                f"{one['flips']:.2%}",
                f"{one['max_difference']:.1e}",
            )
            for name, one in medians.items()
        ]
        harness.print_table(title, heads, rows)
        results[path.name] = {
            "held_out": f"{table['rows']} rows of the split {table['split']}",
            "missing": table["missing"],
            "medians": medians,
        }
    return results


def measure(**task: Any) -> Figures:
    """This script has no sides."""
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
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
