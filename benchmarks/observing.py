"""Requests per second with and without the gauges of drift and the recording of answers.

Four sides take turns, A B C D A B C D. Each starts ``modelwright serve`` on core 0; the client runs
on core 1 and checks each answer. ``plain`` watches nothing (``--drift-window 0``), ``gauges`` keeps
the gauges of drift, which is the default, ``recorded`` records every answer, and ``both`` does
both. ``cpu_ms`` is the CPU time of the server per request, its threads included, which other work
on the machine affects less. A run whose gauges show no answer fails, and so does one that records
nothing; ``recorded_share`` is the share of the answers that are in the files at the end.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

SIDES: Mapping[str, Sequence[str]] = {
    "plain": ("--drift-window", "0"),
    "gauges": (),
    "recorded": ("--drift-window", "0", "--record"),
    "both": ("--record",),
}
"""The options of the command; the folder comes after ``--record``."""
SERVER_CORE, CLIENT_CORE = 0, 1
LEAST = 0.97
"""Aim: requests per second over those of ``plain``."""
OPTIONS = {
    "models": Option([], [], "folders of versions, models/NAME/1", many=True, local=True),
    "connections": Option([1, 8], [8], "numbers of open connections", many=True),
    "seconds": Option(10.0, 2.0, "measured seconds of each number of connections"),
    "warmup": Option(2.0, 1.0, "seconds before the measured ones"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures every model on every side."""
    if not arguments.models:
        raise SystemExit("--models was not given; expected folders of versions, models/NAME/1.")
    sizes = {key: vars(arguments)[key] for key in ("connections", "seconds", "warmup")}
    models = {Path(one).resolve().parent.name: Path(one).resolve() for one in arguments.models}
    results: Figures = {}
    rows: list[tuple[object, ...]] = []
    for name, folder in models.items():
        tasks = {side: {"side": side, "model": str(folder), **sizes} for side in SIDES}
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
        medians = harness.medians(runs)
        ratios = {
            side: {
                key: harness.ratio(medians[side][key], value)
                for key, value in medians["plain"].items()
                if key.startswith(("requests_per_second", "cpu_ms", "p99_ms"))
            }
            for side in SIDES
        }
        results[name] = {"medians": medians, "ratios": ratios, "runs": runs}
        for count in arguments.connections:
            rows += [_row(name, side, count, medians[side], ratios[side]) for side in SIDES]
    headers = ("model", "side", "connections", "requests/s", "over plain", "CPU ms", "p99 ms")
    harness.print_table(f"aim {LEAST} of plain at least", headers, rows)
    return {"aim": LEAST, **results}


def measure_side(side: str, model: str, **sizes: Any) -> Figures:
    """Measures one side with one model at each number of connections."""
    from served import process, rows

    folder = Path(model)
    name = folder.parent.name
    sent = rows.answered(folder, rows.raw(folder))
    process.pin(CLIENT_CORE)
    requests = [rows.request(f"/v1/models/{name}:predict", [row]) for row in sent]
    figures: Figures = {}
    asked = 0
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        shutil.copytree(folder, root / "models" / name / "1")
        options = [*SIDES[side]]
        if "--record" in options:
            options += [str(root / "recorded"), "--record-max-rows", str(10**9)]
        with process.modelwright(root / "models", core=SERVER_CORE, options=options) as server:
            for count in map(int, sizes["connections"]):
                found = _load(server, requests, count, sizes)
                asked += found.pop("asked")
                figures |= {f"{key}@{count}": value for key, value in found.items()}
            text = _metrics(server.rest)
            figures["memory_mib"] = server.memory()["rss_mib"]
        seen = [float(value) for value in re.findall(r"^\S*drift_rows\{.*\} (.*)$", text, re.M)]
        if ("--drift-window" in options) == any(seen):
            raise SystemExit(f"{side}: the gauges show {seen}; has {folder} a reference.json?")
        if "--record" in options:
            recorded = _recorded_rows(root / "recorded" / name)
            figures["recorded_share"] = recorded / asked
            if not recorded:
                raise SystemExit("nothing was recorded, so the figures say nothing")
    return figures


def _load(
    server: Any, requests: Sequence[Any], connections: int, sizes: Mapping[str, Any]
) -> Figures:
    from served import client

    plan = client.load(
        server.rest,
        requests,
        connections=connections,
        warmup=sizes["warmup"],
        seconds=sizes["seconds"],
    )
    used = server.cpu_seconds()
    found = client.run(plan).figures()
    used = server.cpu_seconds() - used
    if found["failed"]:
        raise SystemExit(f"{found['failed']} answers were wrong: {found['wrong']}")
    kept = {key: found[key] for key in ("asked", "requests_per_second", "p50_ms", "p99_ms")}
    return {**kept, "cpu_ms": 1_000 * used / max(found["asked"], 1)}


def _metrics(port: int) -> str:
    address = f"http://127.0.0.1:{port}/monitoring/prometheus/metrics"
    with urllib.request.urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def _recorded_rows(folder: Path) -> int:
    import pyarrow.parquet as paparquet

    return sum(paparquet.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def _row(name: str, side: str, count: int, medians: Figures, ratios: Figures) -> tuple[object, ...]:
    key = f"requests_per_second@{count}"
    return (
        name,
        side,
        count,
        f"{medians[key]:,.0f}",
        harness.format_number(ratios[key], ".3f"),
        f"{medians[f'cpu_ms@{count}']:.3f}",
        harness.format_number(medians[f"p99_ms@{count}"], ".2f"),
    )


def _line(figures: Figures) -> str:
    shown = {key: value for key, value in figures.items() if isinstance(value, float)}
    return ", ".join(f"{key} {value:,.3f}" for key, value in shown.items())


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
