"""``:explain`` over REST: answers, refusals, the queue, and a child that dies or is late."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explaining_server import BOUNDS, ExplainingServer
from PIL import Image
from server_process import until
from small_servables import COLORS, png, write_text_servable

from modelwright.serve.config import ExplainLimits, RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.explanation import message
from modelwright.serve.explanation.explaining_process import (
    Child,
    ExplainingProcess,
    start_child,
)
from modelwright.serve.rest.openapi import openapi_document
from modelwright.serve.service.api_keys import read_api_keys

TEXT = "the film 很 wonderful 😀 dreadful"
ROW = {"instances": [{"input_text": TEXT}]}


@pytest.fixture(scope="module")
def server(
    small_text_servable: Path, small_image_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExplainingServer]:
    """A server that explains."""
    started = ExplainingServer(
        tmp_path_factory.mktemp("explaining"), [small_text_servable, small_image_servable]
    )
    yield started
    started.close()


def image(width: int = 16) -> dict[str, Any]:
    return {"image_bytes": {"b64": base64.b64encode(png(COLORS["red"], width)).decode()}}


def weights(explanation: dict[str, Any]) -> dict[str, float]:
    return {one["text"]: one["weight"] for one in explanation["segments"]}


def test_words_speak_for_and_against_the_label_at_their_places(server: ExplainingServer) -> None:
    reply = server.explain(ROW)
    assert reply.status == 200 and reply.headers["x-model-version"] == "1"
    (found,) = reply.json["explanations"]
    assert found.keys() == {
        *("input", "label", "probability", "method", "segments", "faithfulness", "error")
    }
    assert (found["input"], found["label"], found["error"]) == (TEXT, "pos", None)
    assert all(TEXT[s["start"] : s["end"]] == s["text"] for s in found["segments"])
    assert weights(found)["wonderful"] > 0 > weights(found)["dreadful"]
    assert found["faithfulness"]["deterministic"] is True
    predicted = server.send("POST", "/v1/models/sentiment:predict", json.dumps(ROW).encode())
    best = predicted.json["predictions"][0]["score"]
    assert found["probability"] == pytest.approx(best, abs=1e-6)


def test_a_label_a_method_and_several_rows(server: ExplainingServer) -> None:
    body = {"instances": ["dreadful film", "好 好"], "label": "neg", "method": "quick"}
    first, second = server.explain(body, "sentiment/versions/1").json["explanations"]
    assert first["label"] == second["label"] == "neg"
    assert weights(first)["dreadful"] > 0 and second["segments"][0]["weight"] < 0


def test_an_image_is_explained_in_its_own_pixels(server: ExplainingServer) -> None:
    reply = server.explain({"instances": [image(32)], "method": "occlusion"}, "colors")
    (found,) = reply.json["explanations"]
    assert (found["input"], found["label"], found["method"]) == ("image 1", "red", "occlusion")
    # The image has one color, so that taking out a cell changes nothing.
    assert found["segments"] == [] and found["faithfulness"]["notes"]
    half = Image.new("RGB", (32, 16), COLORS["green"])
    half.paste(COLORS["red"], (0, 0, 20, 16))
    file = io.BytesIO()
    half.save(file, "PNG")
    row = {"b64": base64.b64encode(file.getvalue()).decode()}
    (found,) = server.explain({"instances": [row]}, "colors").json["explanations"]
    assert (found["label"], found["method"]) == ("red", "masks")
    sides = [
        sum(s["weight"] for s in found["segments"] if (s["column"] < 16) == left)
        for left in (True, False)
    ]
    assert sides[0] > 0 > sides[1]
    assert max(s["column"] + s["width"] for s in found["segments"]) == 32


@pytest.mark.parametrize(
    ("target", "body", "message"),
    [
        ("sentiment", {}, "Missing 'instances' key"),
        ("sentiment", {"instances": []}, "No values in 'instances' array"),
        ("sentiment", {"instances": "很"}, "Excepting 'instances' to be an list/array"),
        ("sentiment", {"instances": [{"text": "很"}]}, "does not have named input: text"),
        ("sentiment", {"instances": [[1]]}, "Failed to process element: 0"),
        ("sentiment", {"inputs": ["很"]}, 'has the key "inputs". Expected .instances'),
        ("sentiment", {"instances": ["很"], "labels": "x"}, "Did you mean 'label'"),
        ("sentiment", {"instances": ["很"], "label": 1}, "1 is no label; expected a string"),
        ("sentiment", {"instances": ["很"], "method": None}, "null is no method; expected a st"),
        ("sentiment", {"instances": ["很"], "label": "possible"}, "no label 'possible'.* neg, pos"),
        ("sentiment", {"instances": ["很"], "method": "masks"}, "one of auto, quick, in-and"),
        ("sentiment", {"instances": ["很"], "method": "grad-cam"}, "no methods that need gradie"),
        ("sentiment", {"instances": ["很"] * 4}, "at most 3 at once .--explain-max-rows"),
        ("sentiment", {"instances": ["很", " \n"]}, "input 2 cannot be explained: the text has no"),
        ("sentiment", {"instances": [{"b64": "/w=="}]}, "input 1 is not valid UTF-8 at byte 0"),
        ("sentiment", {"instances": ["好 " * 60_000]}, "120,000 characters, but at most 100,000"),
        ("colors", {"instances": [{"b64": "Zm9v"}]}, "input 1 cannot be used"),
        ("colors", {"instances": ["很"]}, "input 1 cannot be used"),
        ("half", {"instances": [1.0]}, "only the answers of a model that modelwright export wro"),
        ("sentiment", b"[1]", r"JSON Value: \[1\] Is not object"),
        ("sentiment", b"", "The document is empty"),
    ],
    ids=str,
)
def test_what_cannot_be_explained_is_refused(
    server: ExplainingServer, target: str, body: object, message: str
) -> None:
    reply = server.explain(body, target)
    assert reply.status == 400
    assert re.search(message, reply.error), reply.error
    assert str(server.root) not in reply.error


def test_answers_fit_their_schema(server: ExplainingServer) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = {
        "components": openapi_document("1")["components"],
        "$ref": "#/components/schemas/ExplainAnswer",
    }
    for body, target in ((ROW, "sentiment"), ({"instances": [image()]}, "colors")):
        reply = server.explain(body, target)
        jsonschema.Draft202012Validator(schema).validate(reply.json)
    assert server.explain({"instances": ["the"]}).status == 200  # nothing moves, and no NaN


def test_hostile_text_comes_back_as_it_is(server: ExplainingServer) -> None:
    text = "<script>alert(1)</script> \u202e \" ' \\ \u0000 wonderful"
    (found,) = server.explain({"instances": [text]}).json["explanations"]
    assert found["input"] == text
    assert all(text[s["start"] : s["end"]] == s["text"] for s in found["segments"])


def test_unknown_models_and_versions_are_not_found(server: ExplainingServer) -> None:
    assert server.explain(ROW, "nothing").status == 404
    assert server.explain(ROW, "sentiment/versions/9").status == 404
    assert server.explain(ROW, "sentiment/labels/stable").status == 400


def test_the_limits_of_predictions_hold_too(small_text_servable: Path, tmp_path: Path) -> None:
    server = ExplainingServer(tmp_path, [small_text_servable], limits=RequestLimits(text=10))
    try:
        assert "--max-text" in server.explain(ROW).error
        with pytest.raises(AssertionError):  # so much needs no child
            _ = server.child
    finally:
        server.close()


def test_too_many_segments_are_refused(server: ExplainingServer, tmp_path: Path) -> None:
    few = ExplainLimits(rows=1, segments=2, seconds=30, queue=1)
    folder = server.root / "sentiment" / "1"
    other = ExplainingServer(tmp_path, [folder], few)
    try:
        assert (
            "input 1 has 6 segments; this server explains at most 2 (--explain-max-segments)"
            in (other.explain(ROW).error)
        )
    finally:
        other.close()


def test_a_server_without_the_option_says_how_to_switch_it_on(
    small_text_servable: Path, tmp_path: Path
) -> None:
    server = ExplainingServer(tmp_path, [small_text_servable], None)
    try:
        reply = server.explain(ROW)
        assert (reply.status, "modelwright serve --explain" in reply.error) == (400, True)
        assert "explain" not in server.send("GET", "/v1/models").json["models"][0]
    finally:
        server.close()


def test_the_list_of_models_says_what_can_be_explained(server: ExplainingServer) -> None:
    models = {one["name"]: one for one in server.send("GET", "/v1/models").json["models"]}
    assert models["sentiment"]["explain"] is models["colors"]["explain"] is True
    assert "explain" not in models["half"]


def test_a_key_is_required(small_text_servable: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("reader open-sesame-open-sesame\n")
    access = read_api_keys(keys, 0.5, lambda: 0.0)
    server = ExplainingServer(tmp_path, [small_text_servable], access=access)
    try:
        path, key = "/v1/models/sentiment:explain", "Bearer open-sesame-open-sesame"
        assert server.send("POST", path, b"{}").status == 401
        assert server.send("POST", path, b"{}", {"authorization": key}).status == 400
        limited = server.send("POST", path, b"{}", {"authorization": key})
        assert (limited.status, limited.headers["retry-after"]) == (429, "2")
    finally:
        server.close()


def test_the_child_is_used_again(server: ExplainingServer) -> None:
    server.explain(ROW)
    pid = server.child
    server.explain(ROW)
    assert server.child == pid


def test_the_child_has_the_lowest_priority_in_a_session_of_its_own() -> None:
    async def started() -> None:
        child = await start_child()
        pid = child.process.pid
        try:
            assert os.getpriority(os.PRIO_PROCESS, pid) == 19
            assert os.getsid(pid) == pid
            if sys.platform == "linux":
                assert os.sched_getscheduler(pid) == os.SCHED_IDLE
                group = Path(f"/proc/{pid}/autogroup")
                assert not group.exists() or group.read_text().split()[1:] in ([], ["nice", "19"])
        finally:
            assert await child.wait() == "SIGKILL"

    asyncio.run(started())


def test_a_full_queue_refuses_and_predictions_are_answered_meanwhile(
    server: ExplainingServer,
) -> None:
    server.explain(ROW)
    body, path = json.dumps(ROW).encode(), "/v1/models/sentiment:explain"

    async def crowd() -> None:
        os.kill(server.child, signal.SIGSTOP)
        asked = [asyncio.ensure_future(server.asend("POST", path, body)) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await server.asend("POST", path, body)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert "--explain-queue" in refused.error
        metrics = (await server.asend("GET", "/monitoring/prometheus/metrics")).content.decode()
        assert ":modelwright:serving:explain_waiting 1\n" in metrics
        predicted = await server.asend("POST", "/v1/models/sentiment:predict", body)
        assert predicted.status == 200
        os.kill(server.child, signal.SIGCONT)
        assert [reply.status for reply in await asyncio.gather(*asked)] == [200, 200]

    server.run(crowd())
    metrics = server.send("GET", "/monitoring/prometheus/metrics").content.decode()
    assert ":modelwright:serving:explain_waiting 0\n" in metrics
    assert ':modelwright:serving:explain_count{model_name="sentiment",status="UNAVAILABLE"} 1' in (
        metrics
    )
    assert ':modelwright:serving:explain_latency_count{model_name="sentiment"' in metrics
    assert 'API="explain"' in metrics


def test_a_killed_child_costs_one_request(server: ExplainingServer) -> None:
    server.explain(ROW)
    first = server.child

    async def kill() -> Any:
        os.kill(first, signal.SIGSTOP)
        asked = asyncio.ensure_future(
            server.asend("POST", "/v1/models/sentiment:explain", json.dumps(ROW).encode())
        )
        await asyncio.sleep(0.05)
        os.kill(first, signal.SIGKILL)
        return await asked

    reply = server.run(kill())
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert "ended (SIGKILL); the next request starts it again" in reply.error
    assert server.explain(ROW).status == 200
    idle = server.child
    assert idle != first
    os.kill(idle, signal.SIGKILL)  # between two requests it costs none
    server.run(asyncio.sleep(0.1))
    assert server.explain(ROW).status == 200


def test_a_request_over_the_time_limit_ends_the_child(
    small_text_servable: Path, tmp_path: Path
) -> None:
    server = ExplainingServer(tmp_path, [small_text_servable], ExplainLimits(seconds=1.5))
    try:
        # The start of the child does not count.
        until(lambda: server.explain(ROW).status == 200)
        pid = server.child
        os.kill(pid, signal.SIGSTOP)
        reply = server.explain(ROW)
        assert reply.status == 504 and "more than 1.5 s" in reply.error
        assert "--explain-timeout" in reply.error
        server.run(asyncio.sleep(0.1))
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        until(lambda: server.explain(ROW).status == 200)
    finally:
        server.close()


def test_a_request_whose_whole_time_is_over_ends_the_child(
    small_text_servable: Path, tmp_path: Path
) -> None:
    limits = RequestLimits(seconds=2.0)
    server = ExplainingServer(tmp_path, [small_text_servable], limits=limits)
    try:
        until(lambda: server.explain(ROW).status == 200)
        pid = server.child
        os.kill(pid, signal.SIGSTOP)
        assert server.explain(ROW).status == 504
        assert server.explanations and server.explanations.process.pid != pid
    finally:
        server.close()


def test_a_start_that_takes_too_long_for_one_request_serves_the_next() -> None:
    starts = []

    async def slow() -> Child:
        starts.append(1)
        await asyncio.sleep(0.2)
        return await start_child(lambda _: None)

    async def ask_twice() -> None:
        process = ExplainingProcess(30.0, slow)
        question = message.Question("/nowhere", "", "onnx", (b"x",))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await process.ask(question)
        with pytest.raises(Refused, match="files of this version have changed"):
            await process.ask(question)
        await process.stop()
        # A server may also stop while the process starts.
        process = ExplainingProcess(30.0, slow)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await process.ask(question)
        await process.stop()

    asyncio.run(ask_twice())
    assert len(starts) == 2


def test_a_client_that_leaves_ends_the_work(server: ExplainingServer) -> None:
    server.explain(ROW)
    first = server.child

    async def leave() -> None:
        os.kill(first, signal.SIGSTOP)
        request = server.asend("POST", "/v1/models/sentiment:explain", json.dumps(ROW).encode())
        asked = asyncio.ensure_future(request)
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.wait([asked])

    server.run(leave())
    assert server.explain(ROW).status == 200 and server.child != first


def test_the_version_that_a_request_is_routed_to_is_explained(
    small_text_servable: Path, tmp_path: Path
) -> None:
    server = ExplainingServer(tmp_path, [small_text_servable])
    try:
        assert server.explain(ROW).headers["x-model-version"] == "1"
        shutil.copytree(small_text_servable, server.root / "sentiment" / "2")
        server.look()
        reply = server.explain(ROW)
        assert (reply.status, reply.headers["x-model-version"]) == (200, "2")
        # Files that were written anew are another model, until the server has loaded them.
        folder = server.root / "sentiment" / "3"
        write_text_servable(folder)
        server.look()
        shutil.rmtree(folder)
        write_text_servable(folder)
        reply = server.explain(ROW)
        assert reply.status == 503 and "have changed since it was loaded" in reply.error
        server.run(server.manager.step(patient=False))
        assert server.explain(ROW).status == 200
    finally:
        server.close()


def test_the_program_ends_with_its_server_also_within_a_question(
    small_text_servable: Path,
) -> None:
    command = [sys.executable, "-m", "modelwright.serve.explanation.program"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        assert message.read_message(process.stdout) == message.OK
        question = message.Question(str(small_text_servable), "", "onnx", (b"x",) * 1000)
        message.write_message(process.stdin, question.to_bytes())
        process.stdin.close()
        start = time.monotonic()
        assert process.wait(30) == 0
        assert time.monotonic() - start < 20


def test_a_question_survives_its_message() -> None:
    question = message.Question("/m/1", "f", "onnx", (b"a\0b", b"", "很".encode()), "x", "quick", 7)
    assert message.Question.from_bytes(question.to_bytes()) == question
    assert BOUNDS.queue == 1
