"""Scoring Parquet to Parquet on a Ray cluster of this machine, compared with plain processes.

The side ``processes`` is ``modelwright predict --workers N``, the side ``ray`` the same with
``--runner ray``, and ``ray, killed`` kills one worker with SIGKILL as soon as rows were written.
Each counts the seconds of the whole command, so the start of Ray is in them; ``rows_per_second``
counts the scoring alone, as the report of the command does.

Every output is compared with that of the first side byte for byte, and its keys with 0, 1, 2 and so
on. The texts are pieces of real reviews; rows repeat if there are too few.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "servable": Option("", "", "servable of texts", local=True),
    "reviews": Option("", "", "CSV with reviews in the column text", local=True),
    "rows": Option(1_000_000, 20_000, "rows of the table"),
    "characters": Option(200, 200, "longest piece of a review"),
    "workers": Option(2, 2, "processes of each side"),
    "folder": Option("", "", "folder for the tables; a temporary one by default", local=True),
}
SIDES = {"processes": [], "ray": ["--runner", "ray"], "ray, killed": ["--runner", "ray"]}
COMMAND = "from modelwright.cli.main import main; main()"


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Runs the sides in turn and compares their outputs."""
    if not arguments.servable or not arguments.reviews:
        sys.exit("--servable and --reviews are needed")
    with tempfile.TemporaryDirectory(dir=arguments.folder or None) as name:
        source = Path(name) / "in.parquet"
        write_table(source, Path(arguments.reviews), arguments.rows, arguments.characters)
        tasks = {
            side: {
                "side": side,
                "servable": str(Path(arguments.servable).absolute()),
                "source": str(source),
                "workers": arguments.workers,
            }
            for side in SIDES
        }
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    every = [figures for one in runs.values() for figures in one]
    medians = {
        side: {
            key: sorted(run[key] for run in one)[len(one) // 2]
            for key in ("rows_per_second", "seconds")
        }
        for side, one in runs.items()
    }
    plain = medians["processes"]["rows_per_second"]
    results = {
        "model": Path(arguments.servable).name,
        "medians": medians,
        "ray_over_processes": medians["ray"]["rows_per_second"] / plain,
        "same_bytes": len({figures["sha256"] for figures in every}) == 1,
        "keys_in_order": all(figures["keys_in_order"] for figures in every),
        "rows": sorted({figures["rows"] for figures in every}),
        "workers_killed": sum(figures["killed"] for figures in runs["ray, killed"]),
    }
    for key, value in results.items():
        print(f"  {key}: {value}", flush=True)
    return {**results, "runs": runs}


def measure_side(side: str, servable: str, source: str, workers: int) -> Figures:
    """Scores the table once."""
    output = Path(source).with_name(f"out-{side.replace(', ', '-')}.parquet")
    arguments = [servable, source, "--output", str(output), "--workers", str(workers), "--json"]
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "predict", *arguments, *SIDES[side]],
        stdout=subprocess.PIPE,
        env={**os.environ, **harness.QUIET},
    ) as process:
        killed = _kill_worker(process, output) if side.endswith("killed") else 0
        shown, _ = process.communicate()
    seconds = time.monotonic() - started
    report = json.loads(shown)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    figures = {
        "seconds": seconds,
        "rows_per_second": report["rows"] / report["seconds"],
        "rows": report["predicted"],
        "killed": killed,
        "keys_in_order": _keys_in_order(output),
        "sha256": digest,
        "left": sorted(path.name for path in output.parent.glob("*.part")),
    }
    output.unlink()
    return figures


def _kill_worker(process: subprocess.Popen[bytes], output: Path) -> int:
    """Kills one worker below the command once it has written rows, and returns how many."""
    part = output.with_name(f"{output.name}.part") / "rows"
    while process.poll() is None:
        if part.exists() and part.stat().st_size > 1_000_000:
            workers = [pid for pid in _below(process.pid) if "RemoteAnswerer" in _title(pid)]
            if workers:
                os.kill(workers[0], signal.SIGKILL)
                return 1
        time.sleep(0.1)
    return 0


def _below(pid: int) -> list[int]:
    """Returns the processes below a process, from Linux's own table."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _keys_in_order(output: Path) -> bool:
    import numpy as np
    import pyarrow.parquet as paparquet

    keys: Any = paparquet.read_table(output, columns=["key"]).column("key").to_numpy()
    return bool((keys == np.arange(len(keys))).all())


def write_table(path: Path, reviews: Path, rows: int, characters: int) -> None:
    """Writes a Parquet file with a key and a piece of a review in each row."""
    import pyarrow as pa
    import pyarrow.parquet as paparquet

    with reviews.open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    pieces = []
    for row in range(rows):
        text = texts[row % len(texts)]
        start = row // len(texts) * 37 % max(1, len(text) - characters)
        pieces.append(text[start : start + characters] or text)
    table = pa.table({"key": pa.array(range(rows), pa.int64()), "text": pieces})
    paparquet.write_table(table, path, row_group_size=2**16)


def _line(figures: Figures) -> str:
    killed = ", one worker killed" if figures["killed"] else ""
    return f"{figures['rows_per_second']:,.0f} rows/s, {figures['seconds']:,.1f} s in all{killed}"


if __name__ == "__main__":
    harness.run_benchmark(
        __file__, __doc__ or "", OPTIONS, compare=compare_sides, measure=measure_side
    )
