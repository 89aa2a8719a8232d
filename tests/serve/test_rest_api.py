"""The REST interface, called in this process: routing, keys, errors, limits, headers, deadlines."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from in_process import InProcessServer

from modelwright.serve.config import RequestLimits
from modelwright.serve.page import ASSETS, HEADERS
from modelwright.serve.rest.openapi import openapi_path
from modelwright.serve.rest.route import VERSION_PATHS
from modelwright.serve.rest.routes import METRICS_PATH, ROUTES
from modelwright.serve.service.access_log import AccessLog
from modelwright.serve.service.api_keys import read_api_keys

KEY, ADMIN = "k" * 20, "a" * 20
PREDICT = "/v1/models/half:predict"
BODY = b'{"instances":[2,3]}'
Start = Callable[..., InProcessServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers, which are closed at the end; ``keys`` are lines of a file of keys."""
    servers: list[InProcessServer] = []

    def started(keys: str = "", rate: float = 0.0, **options: object) -> InProcessServer:
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        if keys:
            (folder / "keys").write_text(keys)
            options["access"] = read_api_keys(folder / "keys", rate, lambda: 0.0)
        servers.append(InProcessServer(folder, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield started
    for server in servers:
        server.close()


@pytest.fixture
def server(start: Start) -> InProcessServer:
    return start()


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


# Answers


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (PREDICT, BODY, b'{"predictions":[3.0,3.5]}'),
        ("/V1/Models/half/versions/01:Predict", BODY, b'{"predictions":[3.0,3.5]}'),
        (PREDICT, b'{"inputs":{"x":[2]}}', b'{"outputs":[3.0]}'),
        (
            "/v1/models/half:classify",
            b'{"signature_name":"classify","examples":[{"x":2.0}]}',
            b'{"results":[[["",3.0]]]}',
        ),
        (
            "/v1/models/half:regress",
            b'{"signature_name":"regress","examples":[{"x":2.0},{"x":4.0}]}',
            b'{"results":[3.0,4.0]}',
        ),
    ],
)
def test_a_model_answers_with_json_and_its_version(
    server: InProcessServer, path: str, body: bytes, answer: bytes
) -> None:
    reply = server.send("POST", path, body)
    assert (reply.status, reply.content) == (200, answer)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(answer))
    assert reply.headers["x-model-version"] == "1"


def test_a_body_in_parts_and_a_packed_body_are_read_whole(server: InProcessServer) -> None:
    assert server.send("POST", PREDICT, [BODY[:5], b"", BODY[5:]]).status == 200
    packed = {"content-encoding": "gzip"}
    assert server.send("POST", PREDICT, gzip.compress(BODY), packed).status == 200


def test_models_states_and_signatures_are_described(server: InProcessServer) -> None:
    (model,) = server.send("GET", "/v1/models").json["models"]
    assert model["name"] == "half" and model["live"] == "1" and model["labels"] is None
    assert model["versions"] == [{"version": "1", "state": "AVAILABLE"}]
    status = server.send("GET", "/v1/models/half/versions/1").json["model_version_status"]
    assert status == [
        {
            "version": "1",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
    ]
    metadata = server.send("GET", "/v1/models/half/metadata").json
    assert metadata["model_spec"] == {"name": "half", "signature_name": "", "version": "1"}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert signatures.keys() == {"serving_default", "classify", "regress"}


def test_a_new_version_takes_over(server: InProcessServer) -> None:
    server.add_version(2)
    server.look()
    assert server.send("POST", PREDICT, BODY).headers["x-model-version"] == "2"
    gone = server.send("POST", "/v1/models/half/versions/1:predict", BODY)
    assert (gone.status, gone.error) == (
        404,
        "Servable not found for request: Specific(half, 1)",
    )


def test_head_is_get_without_the_body(server: InProcessServer) -> None:
    for path in ("/v1/models/half", "/healthz", "/"):
        get, head = server.send("GET", path), server.send("HEAD", path)
        assert head.status == 200 and head.content == b""
        assert head.headers["content-length"] == str(len(get.content))


def test_the_page_and_its_files_come_with_types_and_the_policy(server: InProcessServer) -> None:
    for path, (_, content_type) in ASSETS.items():
        reply = server.send("GET", path)
        assert reply.status == 200 and reply.content
        assert reply.headers["content-type"] == content_type
        assert HEADERS.items() <= reply.headers.items()


def test_openapi_and_metrics_have_their_content_types(server: InProcessServer) -> None:
    openapi = server.send("GET", "/openapi.json")
    assert openapi.json["openapi"] == "3.1.0"
    assert openapi.headers["content-type"] == "application/json"
    server.send("POST", PREDICT, BODY)
    metrics = server.send("GET", METRICS_PATH)
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = metrics.content.decode()
    assert ':tensorflow:serving:request_count{model_name="half",status="OK"} 1' in text
    labels = '{model_name="half",API="predict",entrypoint="REST"}'
    assert f":tensorflow:serving:request_latency_count{labels} 1" in text


def test_readiness_follows_the_models_and_the_stop(server: InProcessServer) -> None:
    ready = server.send("GET", "/readyz")
    assert (ready.status, ready.json) == (200, {"status": "ready", "models": {"half": ["1"]}})
    assert "connection" not in ready.headers
    server.rest_api.stop()
    stopping = server.send("GET", "/readyz")
    assert (stopping.status, stopping.json["status"]) == (503, "stopping")
    answer = server.send("POST", PREDICT, BODY)
    assert answer.status == 200 and answer.headers["connection"] == "close"
    server.run(server.manager.stop())


# Errors


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", PREDICT, 400, f"Malformed request: GET {PREDICT}"),
        ("DELETE", "/v1/models/half", 400, "Malformed request: DELETE /v1/models/half"),
        ("GET", f"/v1/models/half/versions/{2**64}", 400, "Failed to convert version"),
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/half/labels/x", 400, "Unrecognized servable version label: x"),
        ("POST", "/healthz", 405, "/healthz takes GET and HEAD; POST was given."),
        ("PUT", METRICS_PATH, 405, f"{METRICS_PATH} takes GET and HEAD; PUT was given."),
        ("POST", "/page/page.css", 405, "/page/page.css takes GET and HEAD; POST was given."),
    ],
)
def test_a_request_without_a_route_or_a_model_is_an_error(
    server: InProcessServer, method: str, path: str, status: int, message: str
) -> None:
    reply = server.send(method, path, b"{}")
    assert reply.status == status and message in reply.error
    assert reply.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


@pytest.mark.parametrize("path", ["/v2/models/half", "/page/", "/page/../api.py", "/healthz/"])
def test_an_unknown_path_is_a_bare_404(server: InProcessServer, path: str) -> None:
    reply = server.send("GET", path)
    assert (reply.status, reply.content) == (404, b"")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "JSON Parse error: The document is empty"),
        (b"[1]", 400, "Is not object"),
        (b"{}", 400, "Missing 'inputs' or 'instances' key"),
        (b'{"instances":["a"]}', 400, "is not of expected type: float"),
        (b'{"signature_name":"none","instances":[1]}', 400, '"none" not found'),
        (b'{"instances":[-1]}', 400, "x is negative"),
        (b'{"instances":[-2]}', 500, "The model could not be run."),
    ],
)
def test_a_bad_body_and_a_failing_model_are_errors_that_give_nothing_away(
    server: InProcessServer, body: bytes, status: int, message: str
) -> None:
    reply = server.send("POST", PREDICT, body)
    assert reply.status == status and message in reply.error
    assert "secret" not in reply.error
    assert reply.headers["content-type"] == "application/json"


def test_a_fault_of_the_server_is_logged_and_not_told(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a secret of the server")

    monkeypatch.setattr(server.manager, "status", fail)
    reply = server.send("GET", "/v1/models/half")
    assert (reply.status, reply.error) == (500, "The request could not be answered.")


# Limits


def test_limits_on_the_size_of_a_request(start: Start) -> None:
    server = start(limits=RequestLimits(body=100, depth=5, rows=3, elements=6))
    for body, status, message in (
        (b'{"instances":[1,2,3]}', 200, ""),
        (b'{"instances":[1,2,3,4]}', 400, "The request has 4 rows; this server takes at most 3"),
        (b'{"instances":[[1,2,3,4,5,6,7]]}', 400, "more than 6 elements"),
        (b'{"instances":[[[[[[1]]]]]]}', 400, "more than 5 levels of nesting"),
        (b" " * 101, 413, "The body is larger than 100 bytes"),
        (gzip.compress(b" " * 10_000), 413, "The body is larger than 100 bytes"),
    ):
        packed = {"content-encoding": "gzip"} if body[:1] == b"\x1f" else {}
        reply = server.send("POST", PREDICT, body, packed)
        assert reply.status == status and message in reply.content.decode()
        assert reply.headers.get("connection") == ("close" if status == 413 else None)
    early = server.send("POST", PREDICT, [b"{"], {"content-length": "101"})
    assert early.status == 413


def test_a_request_that_takes_too_long_is_answered_in_time(start: Start) -> None:
    server = start(limits=RequestLimits(seconds=0.2))
    slow_model = server.send("POST", PREDICT, b'{"instances":[-3]}')
    assert slow_model.status == 504 and slow_model.headers["connection"] == "close"


def test_a_body_that_never_ends_is_answered_in_time(start: Start) -> None:
    server = start(limits=RequestLimits(seconds=0.2))

    async def send_half() -> int:
        sent: list[dict[str, object]] = []
        parts = [{"type": "http.request", "body": b"{", "more_body": True}]

        async def receive() -> dict[str, object]:
            if not parts:
                await asyncio.Event().wait()
            return parts.pop()

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {"method": "POST", "raw_path": PREDICT.encode(), "headers": []}
        await server.rest_api(scope, receive, send)
        return int(sent[0]["status"])  # type: ignore[call-overload, no-any-return]

    assert server.run(send_half()) == 504


def test_a_client_that_goes_away_gets_no_answer(server: InProcessServer) -> None:
    async def go_away() -> list[object]:
        sent: list[object] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            sent.append(message)

        scope = {"method": "POST", "raw_path": PREDICT.encode(), "headers": []}
        await server.rest_api(scope, receive, send)
        return sent

    assert server.run(go_away()) == []


def test_a_full_queue_refuses_and_says_when_to_try_again(start: Start) -> None:
    server = start(limits=RequestLimits(queue=1, seconds=5))
    slow = b'{"instances":[-3]}'

    async def crowd() -> list[int]:
        first = asyncio.create_task(server.asend("POST", PREDICT, slow))
        await asyncio.sleep(0.05)  # it runs
        second = asyncio.create_task(server.asend("POST", PREDICT, slow))
        await asyncio.sleep(0.05)  # it waits
        third = await server.asend("POST", PREDICT, slow)
        assert third.headers["retry-after"] == "1" and "are waiting already" in third.error
        server.gate.set()
        return [(await first).status, (await second).status, third.status]

    assert server.run(crowd()) == [200, 200, 503]


# Keys


def requests_of_every_route() -> list[tuple[str, str, bool]]:
    """The method, a path and the key rule of each row, in each way to name a version."""
    values = {"model": "half", "version": "1", "label": "stable"}
    found = []
    for route in ROUTES:
        for variant in VERSION_PATHS if route.versioned else VERSION_PATHS[:1]:
            path = re.sub(r"\{(\w+)\}", lambda n: values[n[1]], openapi_path(route, variant))
            found += [(method, path, route.key) for method in route.methods]
    return found


def test_the_server_asks_for_a_key_where_openapi_says_so(start: Start) -> None:
    server = start(f"web {KEY}\n")
    paths = server.send("GET", "/openapi.json").json["paths"]
    described = {
        (operation["operationId"], operation.get("security") != [])
        for item in paths.values()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert {(route.name, route.key) for route in ROUTES} <= described
    for method, path, key in requests_of_every_route():
        without = server.send(method, path, b"{}")
        assert (without.status == 401) == key, path
        assert ("www-authenticate" in without.headers) == key
        assert server.send(method, path, b"{}", bearer(KEY)).status != 401


@pytest.mark.parametrize(
    "headers",
    [{}, bearer(KEY + "x"), {"authorization": KEY}, {"authorization": f"Basic {KEY}"}],
    ids=["none", "wrong", "no scheme", "another scheme"],
)
def test_a_wrong_key_learns_nothing(start: Start, headers: dict[str, str]) -> None:
    server = start(f"web {KEY}\n")
    for path in ("/v1/models/half", "/v1/models/none", "/v1/nonsense"):
        reply = server.send("GET", path, b"", headers)
        assert reply.status == 401 and "Authorization: Bearer KEY" in reply.error
        assert reply.headers["www-authenticate"] == "Bearer"


def test_a_key_over_its_rate_is_told_when_to_come_back(start: Start) -> None:
    server = start(f"web {KEY}\nother {ADMIN}\n", rate=0.01)
    statuses = [server.send("GET", "/v1/models/half", b"", bearer(KEY)) for _ in range(2)]
    assert [reply.status for reply in statuses] == [200, 429]
    assert int(statuses[1].headers["retry-after"]) == 100
    assert server.send("GET", "/v1/models/half", b"", bearer(ADMIN)).status == 200


# Names of requests, and the log


def test_a_valid_name_of_a_request_is_returned_and_another_replaced(
    server: InProcessServer,
) -> None:
    def name(sent: str) -> str:
        return server.send("GET", "/healthz", b"", {"x-request-id": sent}).headers["x-request-id"]

    assert name("abc-1") == "abc-1"
    replaced = [name("bad id"), name(""), name("x" * 129)]
    assert len(set(replaced)) == 3 and not {"bad id", "", "x" * 129} & set(replaced)


def test_each_request_leaves_a_line_in_the_log(start: Start, tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "log"))
    server = start(log=log)
    server.send("GET", "/v1/models/half", b"", {"x-request-id": "abc-1"})
    server.send("POST", "/v1/models/none:predict", BODY)
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    assert [(line["method"], line["status"]) for line in lines] == [("GET", 200), ("POST", 404)]
    assert lines[0]["request"] == "abc-1" and lines[0]["client"] == "10.0.0.7"
    assert lines[0]["path"] == "/v1/models/half" and lines[0]["ms"] >= 0
    assert "instances" not in (tmp_path / "log").read_text("utf-8")
