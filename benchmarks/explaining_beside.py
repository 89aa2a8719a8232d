"""Latency of :predict with and without explanations running beside it, on one core.

Two sides take turns, A B A B. Each starts ``modelwright serve --explain`` on core 0, its process of
explanations too; the client runs on core 1 and checks each answer of ``:predict``. On the side
``beside``, two more connections ask for explanations all the time, so that the process of
explanations never rests; on the side ``alone`` nobody asks. Connections pause between an answer and
the next request, because a server without a moment to spare explains nothing. ``explained`` is the
number of explanations that were answered meanwhile; a run without one fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

SIDES = ("alone", "beside")
SERVER_CORE, CLIENT_CORE = 0, 1
ASKING = 2
"""Connections that ask for explanations: one is answered, and one waits."""
LATE = (503, 504)
TRIES, PATIENCE = 10, 60.0
LARGEST = 1.2
"""Aim: p99 beside explanations over p99 alone."""
OPTIONS = {
    "models": Option([], [], "folders of versions, models/NAME/1", many=True, local=True),
    "connections": Option([1, 8], [1], "numbers of connections that predict", many=True),
    "pause": Option(0.005, 0.005, "seconds from an answer to the next request"),
    "seconds": Option(20.0, 2.0, "measured seconds of each number of connections"),
    "warmup": Option(3.0, 1.0, "seconds before the measured ones"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures every model with and without explanations."""
    if not arguments.models:
        raise SystemExit("--models was not given; expected folders of versions, models/NAME/1.")
    sizes = {key: vars(arguments)[key] for key in ("connections", "pause", "seconds", "warmup")}
    models = {Path(one).resolve().parent.name: Path(one).resolve() for one in arguments.models}
    results: Figures = {}
    rows = []
    for name, folder in models.items():
        tasks = {side: {"side": side, "model": str(folder), **sizes} for side in SIDES}
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
        medians = harness.medians(runs)
        alone, beside = (medians[side] for side in SIDES)
        ratios = {
            f"{key}@{count}": harness.ratio(beside[f"{key}@{count}"], alone[f"{key}@{count}"])
            for count in arguments.connections
            for key in ("p50_ms", "p99_ms")
        }
        results[name] = {"medians": medians, "ratios": ratios, "runs": runs}
        rows += [_row(name, count, alone, beside, ratios) for count in arguments.connections]
    headers = ("model", "connections", "p99 ms alone", "beside", "ratio", "explained", "MiB")
    harness.print_table(f"p99 of :predict; aim {LARGEST} times at most", headers, rows)
    return {"aim": LARGEST, **results}


def measure_side(side: str, model: str, **sizes: Any) -> Figures:
    """Measures ``:predict`` at each number of connections."""
    from served import process, rows

    folder = Path(model)
    name = folder.parent.name
    sent = rows.answered(folder, rows.raw(folder))
    process.pin(CLIENT_CORE)
    requests = [rows.request(f"/v1/models/{name}:predict", [row]) for row in sent]
    bodies = [rows.body([row]) for row in sent] if side == "beside" else []
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as models:
        shutil.copytree(folder, Path(models) / name / "1")
        with process.modelwright(Path(models), core=SERVER_CORE, options=["--explain"]) as server:
            for count in map(int, sizes["connections"]):
                found = _measure(server, name, requests, bodies, count, sizes)
                figures |= {f"{key}@{count}": value for key, value in found.items()}
            figures["memory_mib"] = server.memory()["rss_mib"]
    return figures


def _measure(
    server: Any,
    name: str,
    requests: Sequence[Any],
    bodies: Sequence[bytes],
    connections: int,
    sizes: Mapping[str, Any],
) -> Figures:
    from served import client

    async def both() -> tuple[Any, int]:
        asked = _Explanations(server.rest, name, bodies)
        if bodies:
            await asked.first()
        asking = [asyncio.create_task(asked.ask(place)) for place in range(ASKING) if bodies]
        load = await client.load(
            server.rest,
            requests,
            connections=connections,
            warmup=sizes["warmup"],
            seconds=sizes["seconds"],
            pause=sizes["pause"],
        )
        for task in asking:
            task.cancel()
        ended = await asyncio.gather(*asking, return_exceptions=True)
        for error in ended:
            if not isinstance(error, asyncio.CancelledError):
                raise SystemExit(f"asking for explanations failed: {error}")
        return load, asked.answered

    load, explained = client.run(both())
    found = load.figures()
    if found["failed"]:
        raise SystemExit(f"{found['failed']} answers were wrong: {found['wrong']}")
    if bodies and not explained:
        raise SystemExit("nothing was explained meanwhile, so the latency says nothing")
    kept = {key: found[key] for key in ("requests_per_second", "p50_ms", "p99_ms")}
    return {**kept, "explained": explained}


class _Explanations:
    """Asks for explanations, and counts those that are answered."""

    def __init__(self, port: int, name: str, bodies: Sequence[bytes]) -> None:
        from served import client

        path = f"/v1/models/{name}:explain"
        self._requests = [client.http("POST", path, body) for body in bodies]
        self._port = port
        self.answered = 0

    async def first(self) -> None:
        """Asks until the process of explanations has started and answers."""
        tries = 0
        async for answer in self._answers(0):
            tries += 1
            if answer.status == 200:
                return
            if tries == TRIES:
                raise SystemExit(f"no explanation: {answer.body[:300]!r}")

    async def ask(self, place: int) -> None:
        """Asks one after the other until it is cancelled; one that is too late does not count."""
        async for answer in self._answers(place):
            if answer.status == 200:
                self.answered += len(json.loads(answer.body)["explanations"])

    async def _answers(self, place: int) -> AsyncIterator[Any]:
        """Yields the answers to one request after the other."""
        from served import client

        connection = await client.connect(self._port)
        turn = place
        while True:
            if not connection.open:  # the server closes it after an answer that is late
                connection = await client.connect(self._port)
            answer = await connection.ask(self._requests[turn % len(self._requests)], PATIENCE)
            if answer.status not in (200, *LATE):
                raise ConnectionError(f"an explanation was refused: {answer.body[:300]!r}")
            yield answer
            turn += ASKING


def _row(
    name: str, count: int, alone: Figures, beside: Figures, ratios: Figures
) -> tuple[object, ...]:
    return (
        name,
        count,
        harness.format_number(alone[f"p99_ms@{count}"], ".2f"),
        harness.format_number(beside[f"p99_ms@{count}"], ".2f"),
        harness.format_number(ratios[f"p99_ms@{count}"], ".2f"),
        f"{beside[f'explained@{count}']:.0f}",
        f"{alone['memory_mib']:.0f} / {beside['memory_mib']:.0f}",
    )


def _line(figures: Figures) -> str:
    return ", ".join(
        f"{key} {value:,.2f}" for key, value in figures.items() if not key.startswith("requests")
    )


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
