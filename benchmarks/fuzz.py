"""Hostile requests of many kinds at once, while an honest client asks and must be answered.

Bodies that are nearly right, wrong types, enormous numbers, lone surrogates, bytes that are no
UTF-8, broken pictures; paths; malformed HTTP; nesting 100,000 deep; gzip bombs; bodies and headers
over every limit; gRPC messages cut and changed; HTTP/2 frames cut, random and too many; clients
that send byte by byte, say nothing, or vanish half-way; and what schemathesis makes of the server's
own OpenAPI, for some seconds, where a Python that has it is given.

What must hold: the server's processes are the same at the end, no answer holds a traceback, none
has status 500 or gRPC's UNKNOWN, a whole request gets an answer, a slow client is cut off, memory
is flat, and every request of the honest client in between is answered rightly.
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
    "rounds": Option(1, 1, "how often"),
    "models": Option([], [], "a text's and a picture's folder of versions", many=True, local=True),
    "requests": Option(50_000, 2_000, "hostile ones"),
    "kinds": Option([], [], "of hostile requests, all where none is named", many=True),
    "workers": Option(1, 1, "processes that answer"),
    "seed": Option(0, 0, "of the cases"),
    "comparators": Option(sys.executable, sys.executable, "a Python with schemathesis", local=True),
    "schema_seconds": Option(120.0, 10.0, "for schemathesis at most"),
}
SAMPLE = 1.0


def compare(given: argparse.Namespace) -> Figures:
    """One server under fire."""
    if len(given.models) != 2:
        raise SystemExit("--models expected a text's and a picture's folder, models/NAME/1.")
    keys = ("requests", "kinds", "workers", "seed", "comparators", "schema_seconds")
    task = {key: vars(given)[key] for key in keys}
    task["models"] = [str(Path(model).resolve()) for model in given.models]
    runs = harness.turns(__file__, {"fuzz": task}, given.rounds, show=_line)
    for run in runs["fuzz"]:
        rows = [
            (kind, sum(found.values()), ", ".join(f"{s} {n:,}" for s, n in found.items()))
            for kind, found in run["statuses"].items()
        ]
        harness.print_table("answers", ("kind", "requests", "status and how often"), rows)
        honest = [(key, value) for key, value in run["honest"].items() if key != "examples"]
        rows = [*honest, *run["memory"].items(), *run["broken"].items()]
        harness.print_table("rules", ("", ""), rows)
        for example in (*run["examples"], *run["honest"]["examples"]):
            print(example)
    totals = {f"{given.workers} workers": _total(runs["fuzz"])}
    return {"totals": totals, "runs": runs}


def _total(runs: list[Figures]) -> Figures:
    """What was sent in all, what broke a rule, how the honest client fared, and memory."""
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


def measure(models: list[str], workers: int, **sizes: Any) -> Figures:
    """One server under fire."""
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
    """The attackers, the honest client, and the watch over the server."""

    def __init__(self, server: Any, good: dict[str, Any], sizes: dict[str, Any]) -> None:
        from served.attacks import Record

        self._server, self._good, self._sizes = server, good, sizes
        self._record = Record()
        self._memory: list[float] = []

    async def run(self) -> Figures:
        """All cases; the figures."""
        from served import attacks, hostile

        hostile.bomb()
        before = sorted(worker.pid for worker in self._server.workers())
        arguments = [str(self._server.rest), *self._sizes["models"]]
        honest = await _python(sys.executable, "served.honest", arguments)
        watch = asyncio.create_task(self._watch())
        await asyncio.sleep(3)
        first = self._memory[-1]
        started = time.perf_counter()
        jobs = [
            self._attack(number, kind, math.ceil(self._sizes["requests"] * share), at_once)
            for number, (kind, (share, at_once, _)) in enumerate(attacks.KINDS.items())
            if kind in (self._sizes["kinds"] or attacks.KINDS)
        ]
        schema, *_ = await asyncio.gather(self._schema(), *jobs)
        seconds = time.perf_counter() - started
        await asyncio.sleep(3)
        out, errors = await asyncio.wait_for(honest.communicate(b""), 60)
        if honest.returncode:
            raise SystemExit(f"the honest client failed: {errors.decode()[-2_000:]}")
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
        """So many cases of one kind, some at a time, until the server is no more."""
        from served import attacks, hostile

        models = {name: rows[0].instance for name, rows in self._good.items()}
        left = iter(range(count))

        async def attacker(place: int) -> None:
            seed = self._sizes["seed"] * 10_000 + number * 1_000 + place
            ports = (self._server.rest, self._server.grpc)
            made = hostile.Hostile(seed, models)
            one = attacks.Attacker(made, self._record, *ports, _message(models))
            for _ in left:
                if not self._server.alive():
                    break
                await attacks.KINDS[kind][2](one)
            await one.close()

        await asyncio.gather(*(attacker(place) for place in range(min(at_once, count))))

    async def _schema(self) -> Figures:
        """What schemathesis found, or why it did not run."""
        seconds = self._sizes["schema_seconds"]
        if not seconds:
            return {"missing": "not asked for"}
        arguments = [str(self._server.rest), str(seconds), str(self._sizes["seed"]), *self._good]
        process = await _python(self._sizes["comparators"], "served.schema", arguments)
        try:
            out, errors = await asyncio.wait_for(process.communicate(), 3 * seconds + 60)
        except TimeoutError:
            process.kill()
            return {"missing": "schemathesis did not come to an end"}
        if process.returncode:
            return {"missing": errors.decode("utf-8", "replace").strip()[-300:]}
        found: Figures = json.loads(out.decode().splitlines()[-1])
        return found

    async def _watch(self) -> None:
        """The memory of the server now and then."""
        while self._server.alive():
            self._memory.append(self._server.memory()["pss_mib"])
            await asyncio.sleep(SAMPLE)


async def _python(python: str, module: str, arguments: list[str]) -> asyncio.subprocess.Process:
    """A module of ``served`` in a process of its own, whose output is read at its end."""
    pipe = asyncio.subprocess.PIPE
    where = Path(__file__).parent
    command = [python, "-m", module, *arguments]
    return await asyncio.create_subprocess_exec(
        *command, cwd=where, stdin=pipe, stdout=pipe, stderr=pipe
    )


def _message(models: dict[str, dict[str, Any]]) -> bytes:
    """A good PredictRequest."""
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
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
