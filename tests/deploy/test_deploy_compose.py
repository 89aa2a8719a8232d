"""The compose file, TensorFlow Serving's own files, and the image of Modelwright's own server."""

from __future__ import annotations

import http.server
import re
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

import modelwright
from deploy import model_folders, published_schemas
from modelwright.deploy import tensorflow_serving
from modelwright.deploy.models import DeployableModel
from modelwright.deploy.options import SERVING_IMAGE, DeployOptions
from modelwright.deploy.write import deploy
from modelwright.wire import messages


@pytest.fixture
def out(tmp_path: Path) -> Path:
    deploy("compose", model_folders.add_both_kinds(tmp_path / "models"), tmp_path / "deploy")
    return tmp_path / "deploy"


@pytest.fixture
def compose(out: Path) -> dict[str, Any]:
    document = yaml.safe_load((out / "compose.yaml").read_text())
    assert isinstance(document, dict)
    return document


def test_the_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    published_schemas.compose(compose)
    with pytest.raises(Exception, match="'imge' was unexpected"):
        published_schemas.compose({"services": {"a": {"imge": "b"}}})


def test_the_container_is_local_and_has_limits(compose: dict[str, Any]) -> None:
    service = compose["services"]["tensorflow-serving"]
    assert service["image"] == SERVING_IMAGE
    assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert all(volume["read_only"] for volume in service["volumes"])
    assert service["deploy"]["resources"]["limits"] == {"cpus": "2", "memory": "2048m"}
    assert service["restart"] == "unless-stopped"
    assert service["user"] != "0"


def test_modelwrights_server_starts_only_with_its_profile(compose: dict[str, Any]) -> None:
    own = compose["services"]["modelwright"]
    assert own["profiles"] == ["modelwright"]
    assert all(port.startswith("127.0.0.1:") for port in own["ports"])
    taken = {port.split(":")[1] for port in compose["services"]["tensorflow-serving"]["ports"]}
    assert not taken & {port.split(":")[1] for port in own["ports"]}


def test_every_mounted_file_exists(out: Path, compose: dict[str, Any]) -> None:
    service = compose["services"]["tensorflow-serving"]
    for volume in service["volumes"]:
        assert (out / volume["source"]).exists()
    inside = {volume["target"] for volume in service["volumes"]}
    named = {flag.partition("=")[2] for flag in service["command"] if "_file=" in flag}
    assert named == inside - {tensorflow_serving.MODELS}


def test_tensorflow_serving_reads_its_files(out: Path) -> None:
    config = text_format.Parse((out / "models.config").read_text(), ModelServerConfig())
    entries = {entry.name: entry for entry in config.model_config_list.config}
    assert set(entries) == {"Colours_2.1", "half_plus_two", "sentiment"}
    for name, entry in entries.items():
        assert entry.base_path == f"/models/{name}"
        assert entry.model_version_policy.latest.num_versions == 1
    # The messages of the other two files are in no package but Modelwright.
    monitoring = messages.MonitoringConfig()
    text_format.Parse((out / "monitoring.config").read_text(), monitoring)
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == "/monitoring/prometheus/metrics"
    batching = messages.BatchingParameters()
    text_format.Parse((out / "batching.config").read_text(), batching)
    assert batching.max_batch_size.value == 32
    assert batching.num_batch_threads.value == DeployOptions().cpus


@pytest.mark.parametrize(("missing", "code"), [(None, 0), ("b", 1)])
def test_the_health_check_asks_for_every_model(
    missing: str | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            state = "LOADING" if self.path == f"/v1/models/{missing}" else "AVAILABLE"
            answer = f'{{"model_version_status": [{{"state": "{state}"}}]}}'.encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(tensorflow_serving, "REST_PORT", server.server_address[1])
        line = tensorflow_serving.health_command(
            [DeployableModel("a", 1, True), DeployableModel("b", 1, True)]
        )
        done = subprocess.run(["bash", "-c", line], timeout=20, check=False)
        server.shutdown()
    assert done.returncode == code
    assert asked == ["/v1/models/a", "/v1/models/b"]


def test_the_health_check_fails_where_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_serving, "REST_PORT", 1)
    line = tensorflow_serving.health_command([DeployableModel("a", 1, True)])
    done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=20, check=False)
    assert done.returncode != 0


def test_compose_does_not_change_the_health_check(compose: dict[str, Any]) -> None:
    line = compose["services"]["tensorflow-serving"]["healthcheck"]["test"][-1]
    assert "$$1" in line and not re.search(r"(?<!\$)\$(?!\$)", line)


def test_the_dockerfile_installs_only_the_server(out: Path) -> None:
    lines = (out / "Dockerfile").read_text().splitlines()
    instructions = [line for line in lines if re.match(r"[A-Z]+ ", line)]
    bases = [line.split()[1] for line in instructions if line.startswith("FROM ")]
    assert all(re.fullmatch(r"python:3\.12\.\d+-slim-\w+", base) for base in bases)
    assert f"modelwright-{modelwright.__version__}-py3-none-any.whl" in "\n".join(lines)
    assert "tensorflow" not in "\n".join(instructions).lower()
    [user] = [line.split()[1] for line in instructions if line.startswith("USER ")]
    assert user.split(":")[0] not in ("0", "root")
    command = yaml.safe_load(instructions[-1].removeprefix("CMD "))
    everywhere = "0.0.0.0"  # noqa: S104 - in a container
    assert command == ["modelwright", "serve", "/models", "--host", everywhere, "--allow-open"]
    assert "/readyz" in "\n".join(lines)
    assert (out / ".dockerignore").read_text().splitlines()[-2:] == ["*", "!*.whl"]
