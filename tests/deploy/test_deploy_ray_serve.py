"""The Ray Serve application: its files, and in the slow tier Ray itself with traffic."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from deploy import model_folders
from modelwright.core.errors import ServableError
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.write import deploy
from modelwright.servable.manifest import EXAMPLES, find_version, read_manifest, version_folders
from modelwright.serve.lifecycle.servable import DEFAULT, PREDICT
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec

START_SECONDS = 180


def config(out: Path) -> dict[str, Any]:
    """The config that ``serve run`` reads."""
    document = yaml.safe_load((out / "serve_config.yaml").read_text())
    assert isinstance(document, dict)
    return document


def test_each_model_is_an_application_with_its_own_limits(tmp_path: Path) -> None:
    models = model_folders.add_both_kinds(tmp_path / "models")
    report = deploy("ray", models, tmp_path / "out", options=DeployOptions(replicas=(2, 5)))
    assert report.models == {"Colours_2.1": 1, "sentiment": 2}
    assert report.notes == ("half_plus_two is left out: without a manifest, the engine cannot"
                            " run it.",)  # fmt: skip
    written = config(tmp_path / "out")
    assert written["http_options"]["host"] == "127.0.0.1"
    assert [one["route_prefix"] for one in written["applications"]] == [
        "/v1/models/Colours_2.1:predict",
        "/v1/models/sentiment:predict",
    ]
    for application in written["applications"]:
        assert application["args"] == {"folder": f"{models}/{application['name']}"}
        [deployment] = application["deployments"]
        assert deployment["max_ongoing_requests"] > 0
        assert deployment["max_queued_requests"] > 0
        scaling = deployment["autoscaling_config"]
        assert (scaling["min_replicas"], scaling["max_replicas"]) == (2, 5)
        assert scaling["target_ongoing_requests"] <= deployment["max_ongoing_requests"]


def test_the_folder_may_be_another_one_on_the_nodes(tmp_path: Path) -> None:
    model_folders.add_exported(tmp_path / "models", "sentiment")
    elsewhere = DeployOptions(nodes_path="/srv/models/")
    deploy("ray", tmp_path / "models", tmp_path / "out", options=elsewhere)
    [application] = config(tmp_path / "out")["applications"]
    assert application["args"] == {"folder": "/srv/models/sentiment"}


def test_models_without_a_manifest_get_no_application(tmp_path: Path) -> None:
    model_folders.add_savedmodel(tmp_path / "models", "half_plus_two")
    with pytest.raises(ServableError, match=r"no model in .* has a manifest"):
        deploy("ray", tmp_path / "models", tmp_path / "out")


class Half:
    """A fake servable that halves its input."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.warmed = folder, 0
        spec = TensorSpec("x", "DT_FLOAT", (-1,))
        self.signatures = {DEFAULT: Signature(PREDICT, {"x": spec}, {"y": spec})}

    def warm(self) -> int:
        self.warmed += 1
        return 1

    def run(self, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"] / 2}


class Asked:
    """A request like Starlette's."""

    def __init__(self, content: bytes, method: str = "POST", **headers: str) -> None:
        self.method = method
        self.url = SimpleNamespace(path="/v1/models/half:predict")
        raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
        self.headers = SimpleNamespace(raw=raw)
        self._content = content

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self._content}


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names in the written application, with fakes for Ray and Starlette."""
    model_folders.add_exported(tmp_path / "models", "half", 7)
    deploy("ray", tmp_path / "models", tmp_path / "out")
    serve = SimpleNamespace(deployment=lambda kind: kind, Application=object)
    answer = SimpleNamespace(
        Response=lambda content, status_code=200, **rest: (status_code, json.loads(content), rest)
    )
    for name, module in {
        "ray": SimpleNamespace(serve=serve),
        "starlette": SimpleNamespace(),
        "starlette.requests": SimpleNamespace(Request=Asked),
        "starlette.responses": answer,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    found: dict[str, Any] = {"__name__": "serve_app"}
    exec((tmp_path / "out" / "serve_app.py").read_text(), found)  # noqa: S102 - what was written
    found["ExportedServable"] = Half
    found["folder"] = str(tmp_path / "models" / "half")
    return found


def test_the_application_answers_like_the_server(application: dict[str, Any]) -> None:
    model = application["Model"](application["folder"])
    assert model._servable.folder.name == "7" and model._servable.warmed == 1
    body = b'{"instances": [2, 5.0]}'
    for asked in (Asked(body), Asked(gzip.compress(body), content_encoding="gzip")):
        status, told, rest = asyncio.run(model(asked))
        assert (status, told) == (200, {"predictions": [1.0, 2.5]})
        assert rest["headers"] == {"x-model-version": "7"}


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        (Asked(b""), 400, "The document is empty"),
        (Asked(b"{}", "GET"), 400, "Malformed request: GET /v1/models/half:predict"),
        (Asked(b'{"signature_name": "s", "instances": [1]}'), 400, 'key "s" not found'),
        (Asked(b'{"instances": ["a"]}'), 400, "not of expected type: float"),
        (Asked(json.dumps({"instances": [1] * 2000}).encode()), 400, "2000"),
        (Asked(b"{}", content_length=str(2**40)), 413, "The body is larger"),
    ],
)
def test_the_application_refuses_by_the_limits_of_the_server(
    application: dict[str, Any], asked: Asked, status: int, words: str
) -> None:
    found, told, _ = asyncio.run(application["Model"](application["folder"])(asked))
    assert found == status and set(told) == {"error"}
    assert words in told["error"].replace(",", "")


@pytest.fixture(scope="module")
def served() -> Path:
    """A folder of servables. Ray's environment has no TensorFlow, so they are made elsewhere."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[serve]>=2.60,<3'")
    given = os.environ.get("MODELWRIGHT_TEST_MODELS")
    if not given:
        pytest.skip("MODELWRIGHT_TEST_MODELS names no folder with servables to put behind Ray")
    return Path(given)


@pytest.fixture(scope="module")
def address(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Ray with up to two of the models, the last of them with next to no queue."""
    folder = tmp_path_factory.mktemp("ray")
    names = [path.name for path in sorted(served.iterdir()) if version_folders(path)][:2]
    (folder / "models").mkdir()
    for name in names:
        (folder / "models" / name).symlink_to((served / name).resolve())
    report = deploy("ray", folder / "models", folder / "out")
    changed = config(report.out)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        changed["http_options"]["port"] = port = probe.getsockname()[1]
    last = changed["applications"][-1]["deployments"][0]
    last |= {"max_ongoing_requests": 1, "max_queued_requests": 1}
    last["autoscaling_config"] = {
        "min_replicas": 1,
        "max_replicas": 1,
        "target_ongoing_requests": 1,
    }
    (report.out / "serve_config.yaml").write_text(yaml.safe_dump(changed))
    # Ray keeps a token in the home folder, and would report its use.
    home = {"HOME": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    binaries = str(Path(sys.executable).parent)
    path = {"PATH": os.pathsep.join([binaries, os.environ["PATH"]])}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            report.start.split(), stdout=log, stderr=log, env={**os.environ, **home, **path}
        )
        try:
            found = f"http://127.0.0.1:{port}"
            _wait(found, names, process, folder / "log")
            yield found
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def ask(address: str, name: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and the JSON of an answer."""
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    request = urllib.request.Request(f"{address}/v1/models/{name}:predict", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, told
    except urllib.error.HTTPError as error:
        content = error.read()
        is_json = error.headers["content-type"] == "application/json"
        told = json.loads(content) if is_json else content.decode()
        return error.code, {k.lower(): v for k, v in error.headers.items()}, told


def _wait(address: str, names: list[str], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if all(ask(address, name, b"")[0] == 400 for name in names):
                return
        except OSError:
            pass
        time.sleep(1)
    pytest.fail(f"Ray did not start:\n{log.read_text()[-4000:]}")


def recorded(served: Path, name: str) -> list[dict[str, Any]]:
    """A servable's examples: instances and their probabilities."""
    lines = (find_version(served / name) / EXAMPLES).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def models(served: Path) -> list[str]:
    """The two that run."""
    return [path.name for path in sorted(served.iterdir()) if version_folders(path)][:2]


@pytest.mark.slow
def test_ray_gives_the_recorded_answers(served: Path, address: str) -> None:
    for name in models(served):
        rows = recorded(served, name)
        body = json.dumps({"instances": [row["instance"] for row in rows]}).encode()
        for packed, headers in ((body, {}), (gzip.compress(body), {"content_encoding": "gzip"})):
            status, headed, answer = ask(address, name, packed, **headers)
            assert status == 200, answer
            about = read_manifest(find_version(served / name))
            assert headed["x-model-version"] == str(about.version)
            for row, given in zip(rows, answer["predictions"], strict=True):
                assert given["probabilities"] == pytest.approx(row["probabilities"], abs=1e-3)
                assert given["label"] == about.labels[max(
                    range(len(about.labels)), key=given["probabilities"].__getitem__
                )]  # fmt: skip


@pytest.mark.slow
def test_ray_refuses_as_tensorflow_serving_does(served: Path, address: str) -> None:
    name = models(served)[0]
    for body, words in (
        (b"", "The document is empty"),
        (b"{", "JSON Parse error"),
        (b'{"instances": []}', "No values in 'instances' array"),
        (b'{"signature_name": "x", "instances": ["a"]}', 'key "x" not found'),
        (b"[" * 100_000, "JSON Parse error"),
    ):
        status, _, answer = ask(address, name, body)
        assert status == 400 and set(answer) == {"error"}
        assert words in answer["error"]
    bomb = gzip.compress(bytes(64 * 2**20))
    assert ask(address, name, bomb, content_encoding="gzip")[0] == 413
    assert ask(address, "nobody", b"{}")[0] == 404


@pytest.mark.slow
def test_ray_answers_many_at_once(served: Path, address: str) -> None:
    name = models(served)[0]
    row = recorded(served, name)[0]
    body = json.dumps({"instances": [row["instance"]]}).encode()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(address, name, body), range(400)))
    assert Counter(status for status, _, _ in answers) == {200: 400}
    for _, _, answer in answers:
        [given] = answer["predictions"]
        assert given["probabilities"] == pytest.approx(row["probabilities"], abs=1e-3)


@pytest.mark.slow
def test_ray_refuses_requests_when_its_queue_is_full(served: Path, address: str) -> None:
    name = models(served)[-1]
    rows = recorded(served, name)
    body = json.dumps({"instances": [row["instance"] for row in rows] * 8}).encode()
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: ask(address, name, body), range(200)))
    statuses = Counter(status for status, _, _ in answers)
    assert set(statuses) == {200, 503}
    assert all(head["retry-after"] == "1" for status, head, _ in answers if status == 503)
