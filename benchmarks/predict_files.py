"""Scoring whole files: rows per second, memory, and going on after a kill.

Each servable scores a CSV of texts, or a folder of images, with ``predict_file`` (side ``file``)
and the same engine answers the same rows in a bare loop on the same cores (``bare loop``): one
process on each core, which has read its rows before the clock starts and keeps no answer. The
seconds of ``file`` include reading, starting the processes, and writing the output. ``file`` writes
CSV.

``memory`` is the peak of the process that reads and writes, and of the largest process that
answers, for a tenth of the rows and for all of them. ``stop`` scores that tenth, kills the command
with SIGKILL halfway, runs it again, and compares the output with that of an uninterrupted run, byte
for byte.

The texts are pieces of real reviews, the images those of CIFAR-10 as PNG files. Rows repeat if
there are too few; each piece begins at another character.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option
from process_memory import peak_mib

OPTIONS = {
    "texts": Option([], [], "servables of texts", many=True),
    "text_rows": Option(["1000000"], ["2000"], "rows of each of them", many=True),
    "images": Option("", "", "servable of images"),
    "image_rows": Option(20000, 300, "images in the folder"),
    "reviews": Option("", "", "CSV with reviews in the column text", local=True),
    "cifar": Option("", "", ".npz with CIFAR-10 in the array x_train", local=True),
    "characters": Option(200, 200, "longest piece of a review"),
    "folder": Option("", "", "folder for the inputs; a temporary one by default", local=True),
}
CHUNK = {"texts": 1024, "images": 128}
COMMAND = "from modelwright.cli.main import main; main()"
LOOP_ROWS = 200_000
"""The largest number of rows that the bare loop answers; its rate does not depend on it."""


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures every servable, then memory and the kill with the first one of texts."""
    results: Figures = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder or None) as name:
        folder = Path(name)
        sizes = dict(zip(arguments.texts, map(int, arguments.text_rows), strict=True))
        for servable, rows in sizes.items():
            source = folder / f"{rows}.csv"
            if not source.exists():
                write_texts(source, Path(arguments.reviews), rows, arguments.characters)
            title = f"texts, {Path(servable).name}"
            results[title] = _compare("texts", servable, source, arguments.rounds)
        if arguments.images:
            source = folder / "images"
            write_images(source, Path(arguments.cifar), arguments.image_rows)
            title = f"images, {Path(arguments.images).name}"
            results[title] = _compare("images", arguments.images, source, arguments.rounds)
        if sizes:
            servable, rows = next(iter(sizes.items()))
            small = folder / f"{rows // 10}.csv"
            write_texts(small, Path(arguments.reviews), rows // 10, arguments.characters)
            whole = results[f"texts, {Path(servable).name}"]["runs"]["file"]
            results["memory"] = _memory(servable, small, rows, whole)
            results["stop"] = _stop(servable, small, folder)
    return results


def _compare(kind: str, servable: str, source: Path, rounds: int) -> Figures:
    task = {"kind": kind, "servable": servable, "source": str(source)}
    tasks = {side: {**task, "side": side} for side in ("file", "bare loop")}
    print(f"{servable}, {source.name}", flush=True)
    runs = harness.run_in_turn(__file__, tasks, rounds, show=_line)
    medians = harness.medians(runs)
    pairs = zip(runs["file"], runs["bare loop"], strict=True)
    each = [one["rows_per_second"] / other["rows_per_second"] for one, other in pairs]
    ratio = harness.ratio(*(medians[side]["rows_per_second"] for side in tasks))
    print(f"  file over bare loop: {ratio:.2f}, in each round {each}", flush=True)
    cpu = harness.ratio(*(medians[side]["cpu_us_per_row"] for side in reversed(tasks)))
    return {
        "medians": medians,
        "file_over_loop": ratio,
        "in_each_round": each,
        "cpu_of_the_loop_over_the_file": cpu,
        "runs": runs,
    }


def _memory(servable: str, small: Path, rows: int, whole: list[Figures]) -> Figures:
    """Compares a tenth of the rows with all of them, which were scored before."""
    print("memory", flush=True)
    task = {"kind": "texts", "servable": servable, "source": str(small), "side": "file"}
    few = f"{int(small.stem):,} rows"
    runs = harness.run_in_turn(__file__, {few: task}, len(whole), show=_line)
    runs[f"{rows:,} rows"] = whole
    medians = harness.medians(runs)
    peaks = [figures["peak_mib"] for figures in medians.values()]
    return {"medians": medians, "peak_over_that_of_a_tenth": peaks[1] / peaks[0], "runs": runs}


def _line(figures: Figures) -> str:
    peak = f", peak {figures['peak_mib']:,.0f} MiB" if figures["peak_mib"] else ""
    cpu = f", {figures['cpu_us_per_row']:,.1f} CPU us a row"
    return f"{figures['rows_per_second']:,.0f} rows/s, {figures['seconds']:,.1f} s{cpu}{peak}"


def measure_side(side: str, kind: str, servable: str, source: str) -> Figures:
    """Scores the file, or answers its rows in bare loops."""
    measure = _score_file if side == "file" else _bare_loops
    return measure(kind, servable, Path(source))


def _score_file(kind: str, servable: str, source: Path) -> Figures:
    import resource

    from modelwright import predict_file

    output = source.with_name(f"scored-{kind}.csv")
    started, before = time.perf_counter(), _cpu_seconds()
    report = predict_file(servable, source, output)
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    return {
        "rows": report.rows,
        "rejected": report.rejected,
        "seconds": seconds,
        "rows_per_second": report.rows / seconds,
        "cpu_us_per_row": cpu / report.rows * 1e6,
        "peak_mib": peak_mib(),
        "rss_mib_of_a_worker": children,
    }


def _cpu_seconds() -> float:
    """Returns the processor time of this process and of those that have ended."""
    import resource

    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _bare_loops(kind: str, servable: str, source: Path) -> Figures:
    cores = len(os.sched_getaffinity(0))
    loops = []
    for part in range(cores):
        arguments = [kind, servable, str(source), str(part), str(cores)]
        command = [sys.executable, __file__, "--loop", *arguments]
        loops.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
    for loop in loops:  # each prints a line when it has loaded everything
        assert loop.stdout
        loop.stdout.readline()
    started = time.perf_counter()
    answers = []
    for loop in loops:
        assert loop.stdin
        loop.stdin.write("start\n")
        loop.stdin.flush()
    for loop in loops:
        assert loop.stdout
        answers.append(json.loads(loop.stdout.readline()))
    seconds = time.perf_counter() - started
    for loop in loops:
        loop.communicate()
    rows = sum(count for count, _ in answers)
    return {
        "rows": rows,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "cpu_us_per_row": sum(cpu for _, cpu in answers) / rows * 1e6,
        "peak_mib": None,
    }


def _loop(kind: str, servable: str, source: str, part: str, cores: str) -> None:
    """Answers every ``cores``-th chunk in this process, when standard input says so."""
    from modelwright import load

    engine = load(servable).engine
    chunks = _chunks(kind, Path(source), int(part), int(cores))
    engine.probabilities(_inputs(chunks[0][:2]))
    print("loaded", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    for chunk in chunks:
        engine.probabilities(_inputs(chunk))
    print(json.dumps([sum(map(len, chunks)), time.process_time() - before]), flush=True)


def _chunks(kind: str, source: Path, part: int, cores: int) -> list[list[Any]]:
    size = CHUNK[kind]
    if kind == "images":
        rows: list[Any] = sorted(source.rglob("*.png"))
    else:
        with source.open(encoding="utf-8", newline="") as file:
            rows = [row[1] for _, row in zip(range(LOOP_ROWS + 1), csv.reader(file), strict=False)]
        rows = rows[1:]
    starts = range(0, len(rows), size)[part::cores]
    return [rows[start : start + size] for start in starts]


def _inputs(chunk: list[Any]) -> list[Any]:
    return [one.read_bytes() if isinstance(one, Path) else one for one in chunk]


def _stop(servable: str, source: Path, folder: Path) -> Figures:
    """Kills the command halfway and runs it again; compares with a run without a stop."""
    print("stop", flush=True)
    rows = int(source.stem)
    whole, stopped = folder / "whole.csv", folder / "stopped.csv"
    seconds = {}
    started = time.perf_counter()
    _predict(servable, source, whole).wait()
    seconds["without a stop"] = time.perf_counter() - started
    started = time.perf_counter()
    killed = _predict(servable, source, stopped)
    found = _wait_for_rows(stopped, rows // 2, killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    left = stopped.exists()
    again = _predict(servable, source, stopped)
    output, _ = again.communicate()
    seconds["killed and run again"] = time.perf_counter() - started
    report = json.loads(output)
    equal = whole.read_bytes() == stopped.read_bytes()
    print(f"  killed at {found:,} rows, found {report['resumed']:,}, equal: {equal}", flush=True)
    return {
        "medians": {side: {"seconds": value} for side, value in seconds.items()},
        "rows": rows,
        "rows_found_again": report["resumed"],
        "outputs_equal": int(equal),
        "output_before_the_end": int(left),
    }


def _predict(servable: str, source: Path, output: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND, "predict", servable, str(source), "-o", str(output)]
    return subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True)


def _wait_for_rows(output: Path, rows: int, process: subprocess.Popen[str]) -> int:
    journal = output.with_name(f"{output.name}.part") / "journal.json"
    while process.poll() is None:
        time.sleep(0.05)
        if journal.exists():
            found = int(json.loads(journal.read_text("utf-8"))["done"]["rows"])
            if found >= rows:
                return found
    raise SystemExit("error: the command ended before it was to be killed; give more rows")


def write_texts(path: Path, reviews: Path, rows: int, characters: int) -> None:
    """Writes a CSV of pieces of reviews with the columns id and text."""
    csv.field_size_limit(2**24)
    with reviews.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    draw = random.Random(0)  # noqa: S311 - no secret
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        for row in range(rows):
            text = texts[row % len(texts)]
            start = draw.randrange(max(1, len(text) - characters))
            writer.writerow([f"{row:08}", text[start : start + characters]])


def write_images(folder: Path, cifar: Path, rows: int) -> None:
    """Writes images of CIFAR-10 as PNG files, a thousand in each folder."""
    import numpy as np

    from modelwright.data.images import encode_png

    with np.load(cifar, allow_pickle=False) as arrays:
        pixels = arrays["x_train"]
    for row in range(rows):
        path = folder / f"{row // 1000:03}" / f"{row:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(pixels[row % len(pixels)]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loop"]:
        _loop(*sys.argv[2:])
    else:
        harness.run_benchmark(
            __file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side
        )
