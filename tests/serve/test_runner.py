"""The runner: event loop or thread, batches, deadlines, and the queue."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelwright.serve.config import Batching, RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.input_check import CheckedInputs
from modelwright.serve.lifecycle.runner import Runner, Speed, measure_speed

SLOW = Speed(0.01, 1.0)
HELPED = Speed(0.01, 4.0)
FAST = Speed(0.0001, 1.0)


class Doubler:
    """Doubles its input; waits for a gate; remembers the rows and threads of its runs."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.runs: list[int] = []
        self.threads: set[int] = set()

    def run(self, signature: str, inputs: Any) -> Any:
        self.gate.wait(5)
        self.threads.add(threading.get_ident())
        values = inputs["x"]
        self.runs.append(len(values))
        if (values < 0).any():
            raise Refused("INVALID_ARGUMENT", "negative")
        return {"y": values * 2}


def inputs_of(*values: float) -> CheckedInputs:
    array = np.array(values, np.float32)
    return CheckedInputs({"x": array}, len(array), array.nbytes)


def with_runner(
    use: Callable[[Runner, Doubler], Awaitable[Any]],
    measured: Speed | None,
    limits: RequestLimits = RequestLimits(),  # noqa: B008 - frozen
    batching: Batching = Batching(threads=1),  # noqa: B008 - frozen
) -> Doubler:
    model = Doubler()

    async def inside() -> None:
        with ThreadPoolExecutor(2) as pool:
            await use(Runner(model, measured, pool, limits, batching), model)  # type: ignore[arg-type]

    asyncio.run(inside())
    return model


def soon() -> float:
    return time.monotonic() + 5


def test_a_fast_model_answers_in_the_event_loop_and_a_slow_one_in_a_thread() -> None:
    here = threading.get_ident()

    async def use(runner: Runner, model: Doubler) -> None:
        assert (await runner.run("s", inputs_of(3), soon()))["y"].tolist() == [6]

    assert with_runner(use, FAST).threads == {here}
    assert here not in with_runner(use, SLOW).threads
    assert here not in with_runner(use, None).threads


def test_many_rows_or_large_files_of_a_fast_model_leave_the_event_loop() -> None:
    here = threading.get_ident()

    async def many(runner: Runner, model: Doubler) -> None:
        await runner.run("s", inputs_of(*range(100)), soon())

    async def large(runner: Runner, model: Doubler) -> None:
        await runner.run("s", replace(inputs_of(1), size=2**20), soon())

    assert here not in with_runner(many, FAST).threads
    assert here not in with_runner(large, FAST).threads


def test_waiting_requests_run_together_if_that_is_faster() -> None:
    async def use(runner: Runner, model: Doubler) -> None:
        model.gate.clear()
        tasks = [
            asyncio.create_task(runner.run("s", inputs_of(n, n + 1), soon())) for n in range(6)
        ]
        await asyncio.sleep(0.05)
        model.gate.set()
        for number, task in enumerate(tasks):
            assert (await task)["y"].tolist() == [2 * number, 2 * number + 2]

    rows = Batching(rows=6, threads=1)
    assert with_runner(use, HELPED, batching=rows).runs == [6, 6]
    assert with_runner(use, SLOW, batching=rows).runs == [2] * 6
    assert with_runner(use, SLOW, batching=replace(rows, requested=True)).runs == [6, 6]


def test_rows_of_other_shapes_or_signatures_are_not_joined() -> None:
    async def use(runner: Runner, model: Doubler) -> None:
        model.gate.clear()
        wide = CheckedInputs({"x": np.ones((1, 3), np.float32)}, 1, 12)
        asks = [
            ("s", inputs_of(1)),
            ("s", inputs_of(2)),
            ("t", inputs_of(3)),
            ("s", wide),
            ("s", wide),
        ]
        tasks = [asyncio.create_task(runner.run(name, one, soon())) for name, one in asks]
        await asyncio.sleep(0.05)
        model.gate.set()
        assert [(await task)["y"].size for task in tasks] == [1, 1, 1, 3, 3]

    assert with_runner(use, HELPED).runs == [2, 1, 2]


def test_a_bad_row_does_not_fail_the_requests_of_its_batch() -> None:
    async def use(runner: Runner, model: Doubler) -> None:
        model.gate.clear()
        values = (1, 2, -1, 3)
        tasks = [asyncio.create_task(runner.run("s", inputs_of(v), soon())) for v in values]
        await asyncio.sleep(0.05)
        model.gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[2], Refused) and answers[2].message == "negative"
        assert [answers[place]["y"].tolist() for place in (0, 1, 3)] == [[2], [4], [6]]  # type: ignore[index]

    with_runner(use, HELPED)


def test_a_full_queue_refuses_and_says_when_to_retry() -> None:
    async def use(runner: Runner, model: Doubler) -> None:
        model.gate.clear()
        tasks = [asyncio.create_task(runner.run("s", inputs_of(1), soon()))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(runner.run("s", inputs_of(1), soon())) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Refused, match="3 requests are waiting") as caught:
            await runner.run("s", inputs_of(1), soon())
        assert caught.value.code == "UNAVAILABLE" and caught.value.retry_after
        model.gate.set()
        await asyncio.gather(*tasks)

    with_runner(use, SLOW, RequestLimits(queue=3))


def test_a_request_over_its_deadline_is_refused_and_not_run() -> None:
    async def use(runner: Runner, model: Doubler) -> None:
        with pytest.raises(Refused) as caught:
            await runner.run("s", inputs_of(1), time.monotonic() - 1)
        assert caught.value.code == "DEADLINE_EXCEEDED"
        model.gate.clear()
        first = asyncio.create_task(runner.run("s", inputs_of(1), soon()))
        await asyncio.sleep(0.05)
        with pytest.raises(Refused) as caught:
            await runner.run("s", inputs_of(2), time.monotonic() + 0.05)
        assert caught.value.code == "DEADLINE_EXCEEDED"
        model.gate.set()
        await first

    assert len(with_runner(use, SLOW).runs) == 1


def test_the_speed_of_a_row_and_the_gain_of_a_batch_are_measured() -> None:
    class Sleeper:
        def example(self) -> Any:
            return {"x": np.zeros(1, np.float32)}

        def run(self, signature: str, inputs: Any) -> Any:
            time.sleep(0.004)
            return inputs

    measured = measure_speed(Sleeper())  # type: ignore[arg-type]
    assert measured is not None and measured.row >= 0.004 and measured.gain > 3


@pytest.mark.parametrize(
    "rows", [2, 1], ids=["answers without rows", "inputs whose rows are unknown"]
)
def test_outputs_that_cannot_be_split_make_requests_run_alone(rows: int) -> None:
    class Summer(Doubler):
        def run(self, signature: str, inputs: Any) -> Any:
            return {"y": super().run(signature, inputs)["y"].sum()}

    async def inside() -> None:
        with ThreadPoolExecutor(2) as pool:
            model = Summer()
            runner = Runner(model, HELPED, pool, RequestLimits(), Batching(threads=1))  # type: ignore[arg-type]
            model.gate.clear()
            values = [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]
            asks = [replace(inputs_of(*pair), rows=rows) for pair in values]
            tasks = [asyncio.create_task(runner.run("s", one, soon())) for one in asks]
            await asyncio.sleep(0.05)
            model.gate.set()
            assert [float(one["y"]) for one in await asyncio.gather(*tasks)] == [6, 14, 22]
            assert model.runs[-1] == 2

    asyncio.run(inside())
