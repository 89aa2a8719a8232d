"""A server as a process: several workers, its end, keys, TLS, and clients that misbehave."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from asking import add_version, refused, serving, until

TEXT = {"instances": [{"input_text": "酒店 很好"}]}
KEY, ADMIN = "k" * 24, "a" * 24


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
    with serving(models, tmp_path, "--workers", 2) as client:
        (server,) = {p.pid for p in psutil.Process().children() if "serve" in p.cmdline()}
        before = {one.pid for one in workers_of(server)}
        assert len(before) == 2
        psutil.Process(min(before)).send_signal(signal.SIGTERM)
        # One that is told to stop answers what it accepted; nobody notices.
        until(
            lambda: (
                client.ask("sentiment:predict", TEXT).status != 200
                or len({one.pid for one in workers_of(server)} - before) == 1
            ),
            60.0,
        )
        for _ in range(20):
            assert client.ask("sentiment:predict", TEXT).json["predictions"][0]["label"] == "pos"
        # The figures of a worker that ended are still counted by those that are left.
        text = client.get("/monitoring/prometheus/metrics").content.decode()
        assert ':tensorflow:serving:request_count{model_name="sentiment",status="OK"}' in text
        client.health()


def test_every_accepted_request_is_answered_when_the_server_is_told_to_stop(
    models: Path, tmp_path: Path
) -> None:
    answered: list[int] = []
    failed: list[str] = []
    stopped = threading.Event()

    def work(host: str, port: int) -> None:
        while not stopped.is_set():
            connection = http.client.HTTPConnection(host, port, timeout=30)
            try:
                connection.connect()
            except OSError:
                return  # it listens no more: nothing was accepted
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

    with serving(models, tmp_path) as client:
        threads = [threading.Thread(target=work, args=(client.host, client.port)) for _ in range(4)]
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


def test_keys_are_asked_for_by_both_protocols(models: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text(f"web {KEY}\nops {ADMIN} admin\n")
    options = ("--api-keys", keys, "--rate", 5, "--metrics-port", 0)
    with serving(models, tmp_path, *options, key=KEY) as client:
        assert client.ask("sentiment:predict", TEXT).status == 200
        client.headers = {"authorization": f"Bearer {KEY}x"}
        reply = client.ask("sentiment:predict", TEXT)
        assert reply.status == 401 and reply.headers["www-authenticate"] == "Bearer"
        assert client.get("/monitoring/prometheus/metrics").status == 401
        for path in ("/", "/healthz", "/readyz", "/openapi.json", "/docs"):
            assert client.get(path).status == 200
        client.headers = {"authorization": f"Bearer {KEY}"}
        statuses = [client.get("/v1/models/sentiment").status for _ in range(12)]
        assert statuses[0] == 200 and statuses[-1] == 429
        limited = client.get("/v1/models/sentiment")
        assert int(limited.headers["retry-after"]) >= 1
        ports = json.loads((tmp_path / "ports.json").read_text())
        client.port = ports["metrics"]
        assert b":tensorflow:serving:request_count" in client.get("/").content


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


def test_clients_that_misbehave_are_shown_the_door(models: Path, tmp_path: Path) -> None:
    with serving(models, tmp_path, "--timeout", 2, "--header-timeout", 1) as client:
        where = client.host, client.port

        def answer(content: bytes) -> bytes:
            with socket.create_connection(where, timeout=30) as made:
                made.sendall(content)
                got = b""
                while part := made.recv(65536):
                    got += part
                return got

        ask = b"POST /v1/models/sentiment:predict HTTP/1.1\r\nhost: x\r\n"
        assert answer(b"").startswith(b"")  # it says nothing and is closed
        assert answer(b"GET /v1/mod").startswith(b"HTTP/1.1 408 ")
        assert answer(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert answer(ask + b"content-length: 9\r\n\r\n{").startswith(b"HTTP/1.1 504 ")
        assert answer(ask + b"content-length: 99999999\r\n\r\n").startswith(b"HTTP/1.1 413 ")
        many = b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100))
        assert answer(ask + many).startswith(b"HTTP/1.1 431 ")
        asks = b"GET /v1/models/sentiment/metadata HTTP/1.1\r\nhost: x\r\n\r\n" * 10_000
        with socket.create_connection(where, timeout=30) as deaf, pytest.raises(OSError):
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(100):  # it reads none of the answers, and is dropped
                deaf.sendall(asks)
                time.sleep(0.1)
        deep = b"[" * 100_000
        body = b'{"instances":' + deep + b"}"
        reply = client.send("POST", "/v1/models/sentiment:predict", body)
        assert reply.status == 400 and "JSON Parse error" in reply.error
        assert client.ask("sentiment:predict", TEXT).status == 200


def test_an_offer_to_upgrade_is_ignored_and_its_body_is_read(models: Path, tmp_path: Path) -> None:
    body = json.dumps(TEXT).encode()
    smuggled = b"GET /v1/models/smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    head = b"POST /v1/models/sentiment:predict HTTP/1.1\r\nhost: x\r\n"
    last = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

    def statuses(*packets: bytes) -> tuple[list[bytes], bytes]:
        with socket.create_connection((client.host, client.port), timeout=30) as made:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for packet in packets:
                made.sendall(packet)
                time.sleep(0.05)
            got = b""
            while part := made.recv(65536):
                got += part
        return re.findall(rb"HTTP/1.1 (\d+)", got), got

    with serving(models, tmp_path) as client:
        for offer in (b"h2c", b"websocket", b"unknown"):
            asked = head + b"connection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\n" % offer
            sized = asked + b"content-length: %d\r\n\r\n" % len(body)
            assert statuses(sized + body + last)[0] == [b"200", b"200"]
            assert statuses(sized, body, last)[0] == [b"200", b"200"]
            assert statuses(sized + body + sized, body[:9], body[9:], last)[0] == [b"200"] * 3
            chunked = asked + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(body)
            assert statuses(chunked, body + b"\r\n0\r\n\r\n", last)[0] == [b"200", b"200"]
            # A body that looks like a request is a bad body, not a second request.
            hidden = asked + b"content-length: %d\r\n\r\n" % len(smuggled)
            codes, got = statuses(hidden, smuggled, last)
            assert codes == [b"400", b"200"] and b"smuggled HTTP" not in got
            bodiless = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
            assert statuses(bodiless + b"upgrade: %b\r\n\r\n" % offer, last)[0] == [b"200"] * 2
        assert statuses(b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n" + last)[0] == [b"400"]


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


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java here")
def test_javas_own_client_which_offers_http_2_is_answered(models: Path, tmp_path: Path) -> None:
    source = tmp_path / "Ask.java"
    source.write_text(JAVA)
    with serving(models, tmp_path) as client:
        url = f"http://{client.host}:{client.port}/v1/models/sentiment:predict"
        done = subprocess.run(
            ["java", str(source), url, json.dumps(TEXT)], capture_output=True, text=True, timeout=60
        )
    assert done.stdout.splitlines() == ["200 true"] * 3, done.stderr


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--host", "0.0.0.0"), 2, "open to other machines, and nothing guards it"),  # noqa: S104
        (("--workers", 0), 2, "--workers was given 0"),
        (("--api-keys", "missing.txt"), 2, "missing.txt cannot be read"),
        (("--model-config", "missing.txt"), 2, "missing.txt cannot be read"),
        (("--tls-cert", "a.pem"), 2, "TLS takes --tls-cert and --tls-key"),
        (("--rest-port", 99999), 2, "--rest-port was given 99999"),
        (("--engine", "onyx"), 2, "Did you mean 'onnx'?"),
        (("--tls-cert", __file__, "--tls-key", __file__), 2, "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_said(
    models: Path, options: tuple[Any, ...], code: int, message: str
) -> None:
    given, said = refused(models, *options)
    assert given == code and message in said and "Traceback" not in said


def test_a_port_that_is_taken_and_a_folder_that_is_not_there(models: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused(models, "--rest-port", taken.getsockname()[1])
    assert code == 2 and "cannot be listened on" in said
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        code, said = refused(models, "--grpc-port", taken.getsockname()[1])
    assert code == 2 and "cannot be listened on" in said
    code, said = refused(tmp_path / "missing")
    assert code == 2 and "missing is not a folder" in said


def test_each_request_leaves_a_line(models: Path, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with serving(models, tmp_path, "--access-log", log) as client:
        headers = {"x-request-id": "abc-1"}
        reply = client.send("GET", "/v1/models/sentiment", headers=headers)
        assert reply.headers["x-request-id"] == "abc-1"
        other = client.send("GET", "/v1/models/none", headers={"x-request-id": "bad id"})
        assert other.headers["x-request-id"] != "bad id"
        time.sleep(0.1)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    asked = [line for line in lines if "/v1/" in line["path"]]
    assert [line["status"] for line in asked] == [200, 404]
    assert asked[0]["request"] == "abc-1" and asked[0]["ms"] > 0
