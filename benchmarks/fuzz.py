"""Hostile requests of many kinds at once, while a valid client must still get its answers.

The requests: bodies that are almost right, wrong types, enormous numbers, lone surrogates, invalid
UTF-8, broken images, bad paths, malformed HTTP, requests that are hidden in bodies, nesting 100,000
levels deep, gzip bombs, bodies and headers over every limit, gRPC messages that were cut or
changed, HTTP/2 frames that were cut, random or too many, and clients that send byte by byte, send
nothing or disappear. With a Python that has schemathesis, it also sends what schemathesis derives
from the server's OpenAPI.

The rules: the server has the same processes at the end, no answer contains a traceback, none has
status 500 or gRPC's UNKNOWN, every complete request gets an answer, a slow client is disconnected,
memory does not grow, and every request of the valid client is answered correctly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "rounds": Option(1, 1, "number of runs"),
    "models": Option(
        [], [], "a version folder of a text model and one of an image model", many=True, local=True
    ),
    "requests": Option(50_000, 2_000, "hostile requests"),
    "kinds": Option([], [], "kinds of hostile requests; all by default", many=True),
    "workers": Option(1, 1, "worker processes"),
    "seed": Option(0, 0, "random seed"),
    "comparators": Option(sys.executable, sys.executable, "a Python with schemathesis", local=True),
    "schema_seconds": Option(120.0, 10.0, "time limit of schemathesis"),
}
SAMPLE = 1.0


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Attacks a server and prints what it answered."""
    if len(arguments.models) != 2:
        raise SystemExit(
            "--models expected a text model and an image model, each as models/NAME/1."
        )
    keys = ("requests", "kinds", "workers", "seed", "comparators", "schema_seconds")
    task = {key: vars(arguments)[key] for key in keys}
    task["models"] = [str(Path(model).resolve()) for model in arguments.models]
    runs = harness.run_in_turn(__file__, {"fuzz": task}, arguments.rounds, show=_line)
    for run in runs["fuzz"]:
        rows = [
            (kind, sum(found.values()), ", ".join(f"{s} {n:,}" for s, n in found.items()))
            for kind, found in run["statuses"].items()
        ]
        harness.print_table("answers", ("kind", "requests", "status and how often"), rows)
        honest = [(key, value) for key, value in run["honest"].items() if key != "examples"]
        rules = [*honest, *run["memory"].items(), *run["broken"].items()]
        harness.print_table("rules", ("", ""), rules)
        for example in (*run["examples"], *run["honest"]["examples"]):
            print(example)
    totals = {f"{arguments.workers} workers": _total(runs["fuzz"])}
    return {"totals": totals, "runs": runs}


def _total(runs: list[Figures]) -> Figures:
    """Returns the number of requests and broken rules, the wrong answers, and the memory."""
    return {
        "requests": sum(run["requests"] for run in runs),
        "broken": sum(sum(run["broken"].values()) for run in runs),
        "asked": sum(run["honest"]["asked"] for run in runs),
        "not_right": sum(run["honest"]["not_right"] for run in runs),
        "pss_mib_first": max(run["memory"]["pss_mib_first"] for run in runs),
        "pss_mib_half": max(run["memory"]["pss_mib_half"] for run in runs),
        "pss_mib_last": max(run["memory"]["pss_mib_last"] for run in runs),
        "pss_mib_max": max(run["memory"]["pss_mib_max"] for run in runs),
    }


def measure_side(models: list[str], workers: int, **sizes: Any) -> Figures:
    """Attacks one server."""
    from served import client, process, rows

    with tempfile.TemporaryDirectory() as root:
        good = {}
        for folder in map(Path, models):
            name = folder.parent.name
            shutil.copytree(folder, Path(root) / name / "1")
            good[name] = rows.answered(folder, rows.raw(folder))
        with process.modelwright(Path(root), workers=workers) as server:
            figures: Figures = client.run(Fuzz(server, good, {**sizes, "models": models}).run())
            if figures["examples"]:
                sys.stderr.write(server.said()[-2_000:])
        return figures


class Fuzz:
    """The attackers, the valid client, and the memory monitor of one server."""

    def __init__(self, server: Any, good: dict[str, Any], sizes: dict[str, Any]) -> None:
        from served.attacks import Record

        self._server, self._good, self._sizes = server, good, sizes
        self._record = Record()
        self._memory: list[float] = []

    async def run(self) -> Figures:
        """Sends all requests and returns the results."""
        from served import attacks, hostile

        hostile.bomb()
        before = sorted(worker.pid for worker in self._server.workers())
        arguments = [str(self._server.rest), *self._sizes["models"]]
        honest = await _python(sys.executable, "served.honest", arguments)
        watch = asyncio.create_task(self._watch())
        await asyncio.sleep(3)
        first = self._memory[-1]
        started = time.perf_counter()
        attacks_running = [
            self._attack(number, kind, math.ceil(self._sizes["requests"] * share), at_once)
            for number, (kind, (share, at_once, _)) in enumerate(attacks.KINDS.items())
            if kind in (self._sizes["kinds"] or attacks.KINDS)
        ]
        schema_running = asyncio.create_task(self._schema())
        await asyncio.gather(schema_running, *attacks_running)
        schema = schema_running.result()
        seconds = time.perf_counter() - started
        await asyncio.sleep(3)
        out, errors = await asyncio.wait_for(honest.communicate(b""), 60)
        if honest.returncode:
            raise SystemExit(f"the valid client failed: {errors.decode()[-2_000:]}")
        watch.cancel()
        after = sorted(w.pid for w in self._server.workers()) if self._server.alive() else []
        record = self._record
        if before != after:
            record.broken["other processes at the end"] += 1
        statuses = {kind: dict(found) for kind, found in record.statuses.items()}
        count = sum(sum(found.values()) for found in statuses.values())
        half = self._memory[len(self._memory) // 2 :]
        return {
            "requests": count + schema.get("requests", 0),
            "seconds": seconds,
            "statuses": statuses,
            "schema": schema,
            "broken": {**record.broken, "schema": len(schema.get("broken", ()))},
            "examples": [*record.examples, *schema.get("broken", ())],
            "processes": {"before": before, "after": after},
            "honest": json.loads(out.decode().splitlines()[-1]),
            "memory": {
                "pss_mib_first": first,
                "pss_mib_half": half[0],
                "pss_mib_last": self._memory[-1],
                "pss_mib_max": max(self._memory),
            },
        }

    async def _attack(self, number: int, kind: str, count: int, at_once: int) -> None:
        """Sends ``count`` requests of one kind, ``at_once`` in parallel, while the server lives."""
        from served import attacks, hostile

        models = {name: rows[0].instance for name, rows in self._good.items()}
        left = iter(range(count))

        async def attacker(index: int) -> None:
            seed = self._sizes["seed"] * 10_000 + number * 1_000 + index
            ports = (self._server.rest, self._server.grpc)
            requests = hostile.Hostile(seed, models)
            one = attacks.Attacker(requests, self._record, *ports, _message(models))
            for _ in left:
                if not self._server.alive():
                    break
                await attacks.KINDS[kind][2](one)
            await one.close()

        await asyncio.gather(*(attacker(index) for index in range(min(at_once, count))))

    async def _schema(self) -> Figures:
        """Returns what schemathesis found, or why it did not run."""
        seconds = self._sizes["schema_seconds"]
        if not seconds:
            return {"missing": "not asked for"}
        arguments = [str(self._server.rest), str(seconds), str(self._sizes["seed"]), *self._good]
        process = await _python(self._sizes["comparators"], "served.schema", arguments)
        try:
            out, errors = await asyncio.wait_for(process.communicate(), 3 * seconds + 60)
        except TimeoutError:
            process.kill()
            return {"missing": "schemathesis did not end in time"}
        if process.returncode:
            return {"missing": errors.decode("utf-8", "replace").strip()[-300:]}
        found: Figures = json.loads(out.decode().splitlines()[-1])
        return found

    async def _watch(self) -> None:
        """Records the memory of the server at intervals."""
        while self._server.alive():
            self._memory.append(self._server.memory()["pss_mib"])
            await asyncio.sleep(SAMPLE)


async def _python(python: str, module: str, arguments: list[str]) -> asyncio.subprocess.Process:
    """Starts a module of ``served`` in a new process."""
    pipe = asyncio.subprocess.PIPE
    where = Path(__file__).parent
    command = [python, "-m", module, *arguments]
    return await asyncio.create_subprocess_exec(
        *command, cwd=where, stdin=pipe, stdout=pipe, stderr=pipe
    )


def _message(models: dict[str, dict[str, Any]]) -> bytes:
    """Returns a valid PredictRequest."""
    import numpy as np

    from modelwright.wire import messages, tensors

    request = messages.PredictRequest()
    request.model_spec.name, instance = next(
        (name, row) for name, row in models.items() if "input_text" in row
    )
    tensors.to_proto(np.array([instance["input_text"]], object), request.inputs["input_text"])
    content: bytes = request.SerializeToString()
    return content


def _line(run: Figures) -> str:
    broken = sum(run["broken"].values())
    return (
        f"{run['requests']:,} requests, {broken} broke a rule, {run['honest']['not_right']} wrong"
    )


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
