"""A server as a process: several workers, its end, TLS, and real sockets.

The protocols themselves are tested without a process in ``test_rest_api.py``, ``test_grpc_api.py``
and ``test_http_protocol.py``.
"""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import grpc
import psutil
import pytest
from server_process import add_version, serving, until

TEXT = {"instances": [{"input_text": "酒店 很好"}]}


@pytest.fixture(scope="module")
def models(small_text_servable: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model."""
    folder = tmp_path_factory.mktemp("served")
    add_version(small_text_servable, folder / "sentiment", 1)
    return folder


def workers_of(pid: int) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(pid).children():
        with suppress(psutil.Error):
            if "modelwright.serve.process.worker" in one.cmdline():
                found.append(one)
    return found


def test_a_worker_that_is_killed_is_replaced_and_the_others_answer(
    models: Path, tmp_path: Path
) -> None:
    with serving(models, tmp_path, "--workers", 2, "--metrics-port", 0) as client:
        (server,) = {p.pid for p in psutil.Process().children() if "serve" in p.cmdline()}
        before = {one.pid for one in workers_of(server)}
        assert len(before) == 2
        # All workers get a hang-up, and none of them ends.
        psutil.Process(server).send_signal(signal.SIGHUP)
        client.get("/healthz")
        assert {one.pid for one in workers_of(server)} == before
        psutil.Process(min(before)).send_signal(signal.SIGTERM)
        # A worker that is told to stop answers the requests that it accepted.
        until(
            lambda: (
                client.ask("sentiment:predict", TEXT).status != 200
                or len({one.pid for one in workers_of(server)} - before) == 1
            ),
            60.0,
        )
        for _ in range(20):
            assert client.ask("sentiment:predict", TEXT).json["predictions"][0]["label"] == "pos"
        # The other workers still count the requests of a worker that ended.
        counter = b':tensorflow:serving:request_count{model_name="sentiment",status="OK"}'
        assert counter in client.get("/monitoring/prometheus/metrics").content
        client.health()
        client.port = json.loads((tmp_path / "ports.json").read_text())["metrics"]
        assert counter in client.get("/").content


def test_every_accepted_request_is_answered_when_the_server_is_told_to_stop(
    models: Path, tmp_path: Path
) -> None:
    answered: list[int] = []
    failed: list[str] = []
    stopped = threading.Event()

    def send_requests(host: str, port: int) -> None:
        while not stopped.is_set():
            connection = http.client.HTTPConnection(host, port, timeout=30)
            try:
                connection.connect()
            except OSError:
                return  # it no longer listens, so it accepted nothing
            try:
                for _ in range(5):
                    connection.request("POST", "/v1/models/sentiment:predict", json.dumps(TEXT))
                    reply = connection.getresponse()
                    reply.read()
                    answered.append(reply.status)
                    if reply.getheader("connection") == "close":
                        break
            except (OSError, http.client.HTTPException) as error:
                failed.append(repr(error))
            finally:
                connection.close()

    # A busy machine may hold a client up for longer than the half second that is the default.
    with serving(models, tmp_path, "--drain", 2) as client:
        threads = [
            threading.Thread(target=send_requests, args=(client.host, client.port))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        until(lambda: len(answered) > 20, 60.0)
        (server,) = (p for p in psutil.Process().children() if "serve" in p.cmdline())
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) in (0, None)
        stopped.set()
        for thread in threads:
            thread.join(30)
    assert set(answered) == {200} and not failed


def test_a_moved_log_and_an_open_watch_do_not_disturb_a_server(
    models: Path, tmp_path: Path
) -> None:
    log = tmp_path / "access"
    with serving(models, tmp_path, "--workers", 2, "--access-log", log) as client:
        client.get("/healthz")
        until(lambda: log.exists() and log.read_bytes())
        log.rename(tmp_path / "access.1")
        (server,) = (p for p in psutil.Process().children() if "serve" in p.cmdline())
        server.send_signal(signal.SIGHUP)
        until(log.exists)
        for _ in range(4):
            assert client.get("/healthz").status == 200
        until(lambda: len(log.read_text().splitlines()) == 4)
        watch = client.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        assert next(watch) == b"\x08\x01"
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert list(watch) == [b"\x08\x02"]
        assert server.wait(20) in (0, None) and time.monotonic() - start < 15


def certificates(folder: Path) -> tuple[Path, Path]:
    """A key, and a certificate of 127.0.0.1 that it signed itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "key.pem", folder / "certificate.pem"
    paths[0].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


def test_mutual_tls_on_both_ports(models: Path, tmp_path: Path) -> None:
    key, certificate = certificates(tmp_path)
    options = ("--tls-cert", certificate, "--tls-key", key, "--tls-ca", certificate)
    with serving(models, tmp_path, *options) as client:
        ports = json.loads((tmp_path / "ports.json").read_text())
        trusting = ssl.create_default_context(cafile=str(certificate))
        with pytest.raises((ssl.SSLError, OSError)):
            stranger = http.client.HTTPSConnection("127.0.0.1", client.port, context=trusting)
            stranger.request("GET", "/v1/models/sentiment")
            stranger.getresponse().read()
        trusting.load_cert_chain(certificate, key)
        known = http.client.HTTPSConnection("127.0.0.1", client.port, context=trusting, timeout=30)
        known.request("GET", "/v1/models/sentiment")
        assert known.getresponse().status == 200
        known.close()
        address = f"127.0.0.1:{ports['grpc']}"
        pem, private = certificate.read_bytes(), key.read_bytes()
        for credentials, well in (
            (grpc.ssl_channel_credentials(pem, private, pem), True),
            (grpc.ssl_channel_credentials(pem), False),
        ):
            with grpc.secure_channel(address, credentials) as channel:
                check = channel.unary_unary("/grpc.health.v1.Health/Check")
                if well:
                    assert check(b"", timeout=30) == b"\x08\x01"
                else:
                    with pytest.raises(grpc.RpcError):
                        check(b"", timeout=5)


JAVA = """
import java.net.URI;
import java.net.http.*;

public class Ask {
    public static void main(String[] given) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(given[0]))
            .POST(HttpRequest.BodyPublishers.ofString(given[1])).build();
        var client = HttpClient.newHttpClient();
        for (int n = 0; n < 3; n++) {
            var reply = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(reply.statusCode() + " " + reply.body().contains("predictions"));
        }
    }
}
"""


@pytest.mark.slow
def test_a_client_that_reads_no_answers_is_disconnected(models: Path, tmp_path: Path) -> None:
    with serving(models, tmp_path, "--timeout", 2) as client:
        requests = b"GET /v1/models/sentiment/metadata HTTP/1.1\r\nhost: x\r\n\r\n" * 10_000
        address = client.host, client.port
        with socket.create_connection(address, timeout=30) as made, pytest.raises(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(100):
                made.sendall(requests)
                time.sleep(0.1)
        assert client.ask("sentiment:predict", TEXT).status == 200


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="needs Java")
def test_javas_own_client_which_offers_http_2_is_answered(models: Path, tmp_path: Path) -> None:
    source = tmp_path / "Ask.java"
    source.write_text(JAVA)
    with serving(models, tmp_path) as client:
        url = f"http://{client.host}:{client.port}/v1/models/sentiment:predict"
        done = subprocess.run(
            ["java", str(source), url, json.dumps(TEXT)], capture_output=True, text=True, timeout=60
        )
    assert done.stdout.splitlines() == ["200 true"] * 3, done.stderr
