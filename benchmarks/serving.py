"""Requests per second and latency of Modelwright's server and others, with the same model files.

Each side in turn, A B A B, serves one servable in its own process on core 0; the client, the same
for all, runs on core 1 and checks the label and the probabilities of each answer. A round opens 1,
8 and 64 connections in turn; each connection sends its next request when it has its last answer. A
request has one row: a 32x32 image as PNG in base64, or a review of 200 words; 24 different rows are
sent in turn. ``cpu_ms`` is the CPU time of all processes of the server per request, which other
work on the machine affects less. ``limit`` is bare ONNX Runtime behind the smallest server that
Python allows, without any check. A side that is not installed is listed as missing.

Start-up is measured separately and without pinning: the seconds from the command to the first 200
of ``/readyz`` with two models, and the memory of each process after 1,000 requests.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

SIDES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "modelwright": ("", ("uvicorn", "onnxruntime")),
    "limit": ("limit", ("uvloop", "httptools", "orjson", "onnxruntime")),
    "litserve": ("litserve", ("litserve", "onnxruntime")),
    "fastapi-onnx": ("fastapi onnx", ("fastapi", "uvicorn", "onnxruntime")),
    "fastapi-savedmodel": ("fastapi savedmodel", ("fastapi", "uvicorn", "tensorflow")),
    "bentoml": ("bentoml", ("bentoml", "onnxruntime")),
}
"""The module of each side with its option, and the packages that it needs."""
SERVER_CORE, CLIENT_CORE = 0, 1
WARM_REQUESTS = 1_000
OPTIONS = {
    "models": Option([], [], "folders of versions, models/NAME/1", many=True, local=True),
    "sides": Option(list(SIDES), list(SIDES), "sides to measure", many=True),
    "comparators": Option(
        sys.executable, sys.executable, "a Python with the other servers", local=True
    ),
    "python_for": Option(
        [], [], "another Python for one side, as SIDE=PYTHON", many=True, local=True
    ),
    "connections": Option([1, 8, 64], [1, 8], "numbers of open connections", many=True),
    "seconds": Option(10.0, 1.0, "measured seconds of each number of connections"),
    "warmup": Option(2.0, 0.3, "seconds before the measured ones"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures every model on every side, then the start-up."""
    if not arguments.models:
        raise SystemExit("--models was not given; expected folders of versions, models/NAME/1.")
    models = {
        Path(model).resolve().parent.name: Path(model).resolve() for model in arguments.models
    }
    pythons, versions, missing = _installed(arguments)
    sizes = {key: vars(arguments)[key] for key in ("connections", "seconds", "warmup")}
    tasks = {
        f"{side}/{name}": {"side": side, "python": pythons[side], "model": str(folder), **sizes}
        for name, folder in models.items()
        for side in arguments.sides
        if side not in missing
    }
    runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    medians, spread = harness.medians(runs), _spread(runs)
    ratios = {name: _ratios(name, medians, sizes["connections"]) for name in models}
    for name in models:
        _print(name, medians, spread, sizes["connections"])
    startup: Figures = {}
    if "modelwright" in arguments.sides:
        every = {"side": "startup", "python": "", "model": "", **sizes}
        every["models"] = [str(folder) for folder in models.values()]
        tasks = {f"{workers} workers": {**every, "workers": workers} for workers in (1, 2)}
        startup = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    return {
        "versions": versions,
        "missing": missing,
        **{
            name: {
                "medians": _of(name, medians),
                "ratios": ratios[name],
                "spread": _of(name, spread),
                "runs": _of(name, runs),
            }
            for name in models
        },
        "startup": {"medians": harness.medians(startup), "runs": startup} if startup else {},
    }


def _of(name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the entries of one model, by side."""
    return {side.split("/")[0]: one for side, one in figures.items() if side.endswith(f"/{name}")}


def measure_side(side: str, python: str, model: str, **sizes: Any) -> Figures:
    """Measures one side with one model at each number of connections, or the start-up."""
    from served import process

    if side == "startup":
        return _startup([Path(folder) for folder in sizes["models"]], sizes["workers"])
    from served import rows

    folder = Path(model)
    sent = rows.answered(folder, rows.raw(folder))
    process.pin(CLIENT_CORE)
    if side == "modelwright":
        with tempfile.TemporaryDirectory() as models:
            name = folder.parent.name
            shutil.copytree(folder, Path(models) / name / "1")
            with process.modelwright(Path(models), core=SERVER_CORE) as server:
                return _load(server, f"/v1/models/{name}:predict", sent, sizes)
    module, _ = SIDES[side]
    command = [python, *module.split()]
    with process.side(command, folder, rows.body(sent[:1]), core=SERVER_CORE) as server:
        return _load(server, "/predict", sent, sizes)


def _load(server: Any, path: str, sent: Any, sizes: Mapping[str, Any]) -> Figures:
    from served import client, rows

    requests = [rows.request(path, [row]) for row in sent]
    figures: Figures = {"ready_seconds": server.ready}
    for connections in map(int, sizes["connections"]):
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
        for key in ("requests_per_second", "p50_ms", "p99_ms"):
            figures[f"{key}@{connections}"] = found[key]
        figures[f"cpu_ms@{connections}"] = 1_000 * used / max(found["asked"], 1)
    memory = server.memory()
    return {**figures, "rss_mib": memory["rss_mib"], "pss_mib": memory["pss_mib"]}


def _startup(folders: list[Path], workers: int) -> Figures:
    from served import client, process, rows

    with tempfile.TemporaryDirectory() as models:
        for folder in folders:
            shutil.copytree(folder, Path(models) / folder.parent.name / "1")
        with process.modelwright(Path(models), workers=workers) as server:
            requests = [
                rows.request(f"/v1/models/{folder.parent.name}:predict", [row])
                for folder in folders
                for row in rows.answered(folder, rows.raw(folder))
            ]
            client.run(_ask(server.rest, requests))
            serving = [p for p in server.memory()["processes"] if not p["supervises"]]
            return {
                "ready_seconds": server.ready,
                "rss_mib_of_a_worker": max(process["rss_mib"] for process in serving),
                "pss_mib_of_a_worker": max(process["pss_mib"] for process in serving),
                **server.memory(),
            }


async def _ask(port: int, requests: list[Any]) -> None:
    """Sends the warm-up requests on eight connections, which most likely reach every worker."""
    from served.client import connect

    opened = [await connect(port) for _ in range(8)]
    for turn in range(WARM_REQUESTS):
        request = requests[turn % len(requests)]
        answer = await opened[turn % len(opened)].ask(request.data)
        problem = request.wrong(answer)
        if problem:
            raise SystemExit(problem)
    for connection in opened:
        connection.close()


def _installed(arguments: argparse.Namespace) -> tuple[dict[str, str], Figures, dict[str, str]]:
    """Returns the Python of each side, its package versions, and why a side is missing."""
    pythons = dict.fromkeys(arguments.sides, arguments.comparators)
    pythons["modelwright"] = sys.executable
    pythons.update(pair.split("=", 1) for pair in arguments.python_for)
    unknown = {*arguments.sides, *pythons} - SIDES.keys()
    if unknown:
        raise SystemExit(f"{sorted(unknown)} are not sides; expected some of {list(SIDES)}.")
    versions: Figures = {}
    missing: dict[str, str] = {}
    for side in arguments.sides:
        script = (
            "import sys, json, importlib.metadata as m;"
            "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
        )
        command = [pythons[side], "-c", script, *SIDES[side][1]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            missing[side] = done.stderr.strip().splitlines()[-1]
        else:
            versions[side] = json.loads(done.stdout)
    if (
        "modelwright" in arguments.sides
        and util.find_spec("modelwright.serve.process.server") is None
    ):
        missing["modelwright"] = "this installation of modelwright has no server"
    for side, reason in missing.items():
        print(f"  {side} is missing: {reason}", flush=True)
    return pythons, versions, missing


def _spread(runs: harness.Runs) -> dict[str, Figures]:
    """Returns the smallest and the largest value of each number over the rounds."""
    return {
        side: {
            key: (min(run[key] for run in done), max(run[key] for run in done))
            for key, value in done[0].items()
            if isinstance(value, float) and all(run[key] is not None for run in done)
        }
        for side, done in runs.items()
    }


def _ratios(name: str, medians: Mapping[str, Figures], connections: list[int]) -> Figures:
    """Returns Modelwright's requests per second over the others', and their CPU time over its."""
    own = medians.get(f"modelwright/{name}")
    if not own:
        return {}
    keys = [f"requests_per_second@{number}" for number in connections]
    cpu = [f"cpu_ms@{number}" for number in connections]
    return {
        side.split("/")[0]: {
            **{key: harness.ratio(own[key], figures[key]) for key in keys},
            **{key: harness.ratio(figures[key], own[key]) for key in cpu},
        }
        for side, figures in medians.items()
        if side.endswith(f"/{name}") and figures is not own
    }


def _print(name: str, medians: Any, spread: Any, connections: list[int]) -> None:
    rows = [
        (
            side.split("/")[0],
            number,
            f"{figures[f'requests_per_second@{number}']:,.0f}",
            "{:,.0f}-{:,.0f}".format(*spread[side][f"requests_per_second@{number}"]),
            harness.format_number(figures[f"p50_ms@{number}"], ".2f"),
            harness.format_number(figures[f"p99_ms@{number}"], ".2f"),
            f"{figures[f'cpu_ms@{number}']:.3f}",
            f"{figures['pss_mib']:.0f}",
        )
        for number in connections
        for side, figures in medians.items()
        if side.endswith(f"/{name}")
    ]
    headers = (
        "side",
        "connections",
        "requests/s",
        "over rounds",
        "p50 ms",
        "p99 ms",
        "CPU ms",
        "PSS MiB",
    )
    harness.print_table(name, headers, rows)


def _line(figures: Figures) -> str:
    shown = {key: value for key, value in figures.items() if isinstance(value, float)}
    return ", ".join(f"{key} {value:,.2f}" for key, value in shown.items())


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
