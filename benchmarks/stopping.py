"""SIGTERM under load: whether every request that was sent before it is answered.

Three kinds of clients send requests without a pause: over REST on open connections, over REST with
a new connection for each request, and over gRPC. Some requests have many rows, so that the server
is always busy with some. Then the server gets SIGTERM. A request is accepted if the system had all
of it before the signal; it must get its answer, which is checked. Later requests may be refused and
are counted as such.

A new connection may still wait to be accepted when the signal comes; its request counts too.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "rounds": Option(1, 1, "repetitions of all stops"),
    "models": Option([], [], "folders of versions, models/NAME/1", many=True, local=True),
    "stops": Option(10, 2, "number of stops"),
    "workers": Option([1, 2], [1], "numbers of workers", many=True),
    "clients": Option(16, 8, "clients of each kind"),
    "load_seconds": Option(2.0, 1.0, "seconds of load before the signal"),
    "batch": Option(32, 32, "number of rows of a large request"),
}
KINDS = ("kept", "new", "grpc")
PATIENCE = 30.0


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Runs all stops with each number of workers."""
    if not arguments.models:
        raise SystemExit("--models was not given; expected folders of versions, models/NAME/1.")
    sizes = {key: vars(arguments)[key] for key in ("clients", "load_seconds", "batch")}
    sizes["models"] = [str(Path(model).resolve()) for model in arguments.models]
    tasks = {f"{workers} workers": {"workers": workers, **sizes} for workers in arguments.workers}
    runs = harness.run_in_turn(__file__, tasks, arguments.stops * arguments.rounds, show=_line)
    totals = {name: _total(done) for name, done in runs.items()}
    columns = ("answered", "accepted", "accepted_unanswered", "wrong", "seconds_to_end_max")
    rows = [(name, *(total[key] for key in columns)) for name, total in totals.items()]
    harness.print_table(f"{arguments.stops} stops under load", ("", *columns), rows)
    return {"totals": totals, "runs": runs}


def measure_side(workers: int, models: list[str], **sizes: Any) -> Figures:
    """Stops one server once."""
    from served import process, rows

    with tempfile.TemporaryDirectory() as root:
        rows_by_model = {}
        for folder in map(Path, models):
            name = folder.parent.name
            shutil.copytree(folder, Path(root) / name / "1")
            rows_by_model[name] = rows.answered(folder, rows.raw(folder))
        with process.modelwright(Path(root), workers=workers) as server:
            # Without uvloop, a transport passes what is written to the system at once.
            return asyncio.run(Stop(server, rows_by_model, sizes).run())


class Stop:
    """The clients of one stop, and the fate of their requests."""

    def __init__(self, server: Any, rows_by_model: dict[str, Any], sizes: dict[str, Any]) -> None:
        self._server, self._rows, self._sizes = server, rows_by_model, sizes
        self._stopped: float | None = None
        self._counts: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._examples: list[str] = []

    async def run(self) -> Figures:
        """Sends load, then the signal, and returns the results."""
        clients = {"kept": self._kept, "new": self._new, "grpc": self._grpc}
        tasks = [
            asyncio.create_task(clients[kind](number))
            for kind in KINDS
            for number in range(self._sizes["clients"])
        ]
        await asyncio.sleep(self._sizes["load_seconds"])
        if not self._counts:
            raise SystemExit(f"nothing was answered under load: {self._server.said()}")
        self._stopped = time.perf_counter()
        self._server.process.terminate()
        while self._server.alive() and time.perf_counter() < self._stopped + PATIENCE:
            await asyncio.sleep(0.005)
        ended = time.perf_counter() - self._stopped
        _, late = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in late:
            task.cancel()
        return {
            "answered": self._counts["answered"],
            "accepted": self._counts["accepted"],
            "accepted_unanswered": sum(self._lost.values()),
            "unanswered_by_kind": dict(self._lost),
            "refused_later": sum(self._refused.values()),
            "refused_by_kind": dict(self._refused),
            "wrong": self._counts["wrong"],
            "still_waiting": len(late),
            "examples": self._examples,
            "seconds_to_end": ended,
            "exit_status": self._server.process.poll(),
        }

    async def _kept(self, number: int) -> None:
        from served.client import connect

        connection = await connect(self._server.rest)
        turn = number
        while self._stopped is None or connection.open:
            turn += 1
            request = self._request(turn)
            if not connection.open:
                connection = await connect(self._server.rest)
            if not await self._count("kept", partial(_ask, connection, request)):
                return

    async def _new(self, number: int) -> None:
        from served.client import connect

        turn = number
        while self._stopped is None:
            turn += 1
            request = self._request(turn)
            try:
                connection = await connect(self._server.rest)
            except OSError:
                self._refused["new not connected"] += 1
                return
            if not await self._count("new", partial(_ask, connection, request)):
                return
            connection.close()

    async def _grpc(self, number: int) -> None:
        import numpy as np
        from grpc import aio

        from modelwright.wire import messages, tensors
        from served.client import HOST

        options = [("grpc.use_local_subchannel_pool", 1)]
        async with aio.insecure_channel(f"{HOST}:{self._server.grpc}", options) as channel:
            predict = channel.unary_unary(
                "/tensorflow.serving.PredictionService/Predict",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=messages.PredictResponse.FromString,
            )
            turn = number
            while True:
                turn += 1
                name, rows = self._chosen(turn)
                request = messages.PredictRequest()
                request.model_spec.name = name
                ((key, _),) = rows[0].instance.items()
                values = np.array([_bytes(row.instance[key]) for row in rows], object)
                tensors.to_proto(values, request.inputs[key])

                async def ask(message: Any = request, rows: Any = rows) -> str | None:
                    answer = await predict(message, timeout=PATIENCE)
                    labels = tensors.to_array(answer.outputs["label"])
                    right = [row.label.encode() for row in rows]
                    return None if labels.tolist() == right else f"labels {labels}"

                if not await self._count("grpc", ask):
                    return

    async def _count(self, kind: str, ask: Callable[[], Awaitable[str | None]]) -> bool:
        """Sends one request and returns whether to go on."""
        from grpc.aio import AioRpcError

        sent = time.perf_counter()
        try:
            problem = await ask()
        except (OSError, TimeoutError, AioRpcError) as error:
            # gRPC writes in its own thread, so a request of the last moment may not be sent yet.
            margin = 0.01 if kind == "grpc" else 0.0
            if self._stopped is None or sent < self._stopped - margin:
                self._lost[kind] += 1
                self._counts["accepted"] += self._stopped is not None
                when = "" if self._stopped is None else f"{1000 * (self._stopped - sent):.1f} ms"
                self._examples.append(f"{kind}, sent {when} before the signal: {error!r:.300}")
            else:
                code = error.code().name if isinstance(error, AioRpcError) else "closed"
                self._refused[f"{kind} {code}"] += 1
            return self._stopped is None
        self._counts["answered"] += 1
        # The request was in flight when the signal came.
        self._counts["accepted"] += self._stopped is not None and sent < self._stopped
        if problem:
            later = self._stopped is not None and sent >= self._stopped
            if later:
                self._refused[f"{kind} {problem[:12]}"] += 1
            else:
                self._counts["wrong"] += 1
                self._examples.append(f"{kind}: {problem}")
        return True

    def _chosen(self, turn: int) -> tuple[str, Any]:
        """Returns the name of a model and one or many of its rows."""
        names = sorted(self._rows)
        name = names[turn % len(names)]
        rows = self._rows[name]
        if turn % 4 == 0:
            return name, (rows * self._sizes["batch"])[: self._sizes["batch"]]
        return name, [rows[turn % len(rows)]]

    def _request(self, turn: int) -> Any:
        from served import rows

        name, chosen = self._chosen(turn)
        return rows.request(f"/v1/models/{name}:predict", chosen)


async def _ask(connection: Any, request: Any) -> str | None:
    answer = await connection.ask(request.data)
    problem: str | None = request.wrong(answer)
    return problem


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _total(done: list[Figures]) -> Figures:
    keys = ("answered", "accepted", "accepted_unanswered", "refused_later", "wrong")
    return {
        **{key: sum(run[key] for run in done) for key in keys},
        "refused_by_kind": dict(sum((Counter(run["refused_by_kind"]) for run in done), Counter())),
        "seconds_to_end_max": round(max(run["seconds_to_end"] for run in done), 2),
        "exit_statuses": [run["exit_status"] for run in done],
        "examples": [example for run in done for example in run["examples"]][:20],
    }


def _line(run: Figures) -> str:
    shown = "{answered} answered, {accepted} accepted, {accepted_unanswered} of them unanswered,"
    return f"{shown} ended in {{seconds_to_end:.2f}} s".format(**run)


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
