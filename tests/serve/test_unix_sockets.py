"""Both protocols over socket files: listening, files that are left behind, and what is refused."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import grpc.aio
import pytest
from in_process import InProcessServer

from modelwright.core.errors import ConfigError
from modelwright.serve.config import RequestLimits, ServeConfig, check_config
from modelwright.serve.process.grpc_server import create_grpc_server
from modelwright.serve.process.http_server import HttpServer
from modelwright.serve.process.sockets import grpc_port, rest_socket
from modelwright.serve.process.start import ServerReport, run_event_loop


def test_both_protocols_answer_on_files(tmp_path: Path) -> None:
    # gRPC's clients and servers read the address of a file as a URI.
    rest, rpc = str(tmp_path / "rest"), str(tmp_path / "a b%20c")
    config = ServeConfig(str(tmp_path), unix_socket=rest, grpc_unix_socket=rpc)
    server = InProcessServer(tmp_path)
    answers: list[bytes] = []

    async def talk(listening: socket.socket, port: int) -> None:
        http = HttpServer(server.rest_api, RequestLimits())
        await http.start(listening)
        remote = create_grpc_server(server.grpc_api.handlers(), config, port)
        await remote.start()
        reader, writer = await asyncio.open_unix_connection(rest)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answers.append(await reader.read())
        writer.close()
        async with grpc.aio.insecure_channel(f"unix:{quote(rpc)}") as channel:
            answers.append(await channel.unary_unary("/grpc.health.v1.Health/Check")(b""))
        await remote.stop(None)
        await http.stop(0.0, alone=True)

    with rest_socket(config) as listening, grpc_port(config) as port:
        with pytest.raises(ConfigError, match="another server listens on .*rest; give another"):
            rest_socket(config).__enter__()
        run_event_loop(talk(listening, port))
    assert answers[0].endswith(b'{"status": "alive"}') and answers[1] == b"\x08\x01"
    assert not Path(rest).exists()
    with pytest.raises(ConfigError, match="gRPC cannot listen on .*a b%20c; give another path"):
        run_event_loop(listen_again(config, rpc))
    server.close()


async def listen_again(config: ServeConfig, path: str) -> None:
    Path(path).mkdir()
    create_grpc_server([], config, 0)


def test_a_file_that_a_server_left_behind_is_replaced_and_another_file_is_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "socket"
    config = ServeConfig(str(tmp_path), unix_socket=str(path), grpc_unix_socket=str(path))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert path.is_socket()
    with rest_socket(config) as first:
        assert path.is_socket()
        first.close()  # it no longer answers, so a new server takes its place
        with rest_socket(config):
            pass
        path.touch()
    assert path.is_file()
    for opened in (rest_socket(config), grpc_port(config)):
        with pytest.raises(ConfigError, match="socket is there and is no socket"):
            opened.__enter__()


def test_a_file_of_another_server_is_kept_though_it_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "socket"
    config = ServeConfig(str(tmp_path), unix_socket=str(path))
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        for error, message in (
            (PermissionError(13, "Permission denied"), "cannot be found out .*: Permission denied"),
            (TimeoutError(), "another server listens on"),
        ):
            connect = Mock(side_effect=error)
            monkeypatch.setattr("modelwright.serve.process.sockets.socket.socket", connect)
            with pytest.raises(ConfigError, match=message):
                rest_socket(config).__enter__()
            monkeypatch.undo()
    assert path.is_socket()


def test_sockets_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    def refused(**options: object) -> str:
        with pytest.raises(ConfigError) as caught:
            check_config(ServeConfig(str(tmp_path), **options))  # type: ignore[arg-type]
        return str(caught.value)

    one = str(tmp_path / "a")
    assert "in a folder that is there" in refused(unix_socket=str(tmp_path / "no" / "a"))
    assert "at most 1" in refused(grpc_unix_socket=str(tmp_path / ("x" * 120)))
    assert "expected a file for each" in refused(unix_socket=one, grpc_unix_socket=one)
    assert "cannot share a socket file" in refused(grpc_unix_socket=one, workers=2)
    # No other machine reaches a server that has only files.
    other = str(tmp_path / "b")
    files = ServeConfig(str(tmp_path), "0.0.0.0", unix_socket=one, grpc_unix_socket=other)  # noqa: S104
    assert check_config(files) is files
    assert "nothing guards it" in refused(host="0.0.0.0", unix_socket=one)  # noqa: S104


def test_a_report_names_the_files() -> None:
    report = ServerReport("h", 0, 0, None, 1, False, "/run/a", "/run/b")
    assert report.ports() == {
        **{"rest": None, "grpc": None, "metrics": None},
        **{"rest_socket": "/run/a", "grpc_socket": "/run/b"},
    }
    assert ServerReport("h", 1, 2, 3, 1, False).ports() == {"rest": 1, "grpc": 2, "metrics": 3}
    spaced = ServerReport("h", 0, 0, None, 1, False, "/run/a", "/run/b c")
    assert "gRPC: unix:/run/b%20c" in spaced.render()
    assert "unix:/run/a" in report.render() and "gRPC: unix:/run/b" in report.render()
