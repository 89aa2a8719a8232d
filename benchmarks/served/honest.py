"""A client with right requests only, in a process of its own: nothing else delays it.

``python -m served.honest PORT FOLDER...`` asks the models of these folders of versions, one request
after the other, until its standard input ends; then it prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from served import client, rows
from served.client import Connection, Request

PAUSE = 0.02
"""Seconds between two requests."""


async def ask(port: int, requests: list[Request], over: asyncio.Event) -> dict[str, Any]:
    """Until it is over: how many were answered rightly, and how long each took."""
    latencies: list[float] = []
    problems: list[str] = []
    connection: Connection | None = None
    turn = 0
    while not over.is_set():
        turn += 7
        request = requests[turn % len(requests)]
        started = time.perf_counter()
        try:
            if connection is None or not connection.open:
                connection = await client.connect(port)
            problem = request.wrong(await connection.ask(request.data))
        except (OSError, TimeoutError) as error:
            problem = repr(error)
            if connection:
                connection.close()
        if problem:
            problems.append(f"after {len(latencies)} right answers: {problem}")
        else:
            latencies.append(time.perf_counter() - started)
        await asyncio.sleep(PAUSE)
    return {
        "asked": len(latencies) + len(problems),
        "not_right": len(problems),
        "examples": problems[:10],
        "p50_ms": client.quantile(latencies, 0.5),
        "p99_ms": client.quantile(latencies, 0.99),
        "max_ms": client.quantile(latencies, 1.0),
    }


async def main(port: int, folders: list[Path]) -> dict[str, Any]:
    """Ask what the servables themselves recorded."""
    requests = [
        rows.request(f"/v1/models/{folder.parent.name}:predict", [row])
        for folder in folders
        for row in rows.answered(folder, rows.raw(folder))
    ]
    over = asyncio.Event()

    async def wait() -> None:
        await asyncio.to_thread(sys.stdin.read)
        over.set()

    waiting = asyncio.create_task(wait())
    found = await ask(port, requests, over)
    await waiting
    return found


if __name__ == "__main__":
    print(json.dumps(client.run(main(int(sys.argv[1]), list(map(Path, sys.argv[2:]))))))
