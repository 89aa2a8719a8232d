"""The settings of a server: which are refused, and what the command's options set."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import ConfigError
from modelwright.serve.config import (
    Batching,
    ExplainLimits,
    RequestLimits,
    ServeConfig,
    Site,
    Tls,
    check_config,
    is_local,
)
from modelwright.serve.process import start
from modelwright.serve.process.sockets import open_listening_socket, port_of, reserve_port

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"host": "0.0.0.0"}, "open to other machines, and nothing guards it"),  # noqa: S104
        ({"workers": 0}, "--workers was given 0; expected 1 to 64"),
        ({"keys": "missing.txt"}, "missing.txt cannot be read"),
        ({"model_config": "missing.txt"}, "missing.txt cannot be read"),
        ({"rest_port": 99999}, "--rest-port was given 99999; expected 0 to 65535"),
        ({"engine": "onyx"}, "--engine was given 'onyx'. Did you mean 'onnx'?"),
        ({"tls": Tls(__file__, __file__)}, "cannot be used: .*; expected PEM files"),
        ({"limits": RequestLimits(rows=0)}, "--max-rows was given 0; expected more than 0"),
        ({"limits": RequestLimits(depth=0)}, "the limit depth was given 0; expected more than 0"),
        ({"limits": RequestLimits(seconds=math.nan)}, "--timeout was given nan; expected more"),
        ({"limits": RequestLimits(seconds=math.inf)}, "--timeout was given inf; .* 1,000,000 sec"),
        ({"limits": RequestLimits(body=2**31)}, "--max-body was given 2048; .* less than 2048"),
        ({"poll": math.nan}, "--poll nan, --drain 0.5 and --rate 0.0: expected seconds above 0"),
        ({"drain": math.inf}, "--drain inf and --rate 0.0: .* at most 1,000,000"),
        ({"limits": RequestLimits(idle_seconds=-1)}, "--idle-timeout was given -1"),
        ({"limits": RequestLimits(pixels=2 * 10**8)}, "--max-pixels was given 200; .* most 64"),
        ({"limits": RequestLimits(all_pixels=10**6)}, "--max-all-pixels 1 is less than --max-pix"),
        ({"limits": RequestLimits(pending=2**20)}, "--max-pending 1 is less than --max-body 32"),
        (
            {"explain": ExplainLimits(rows=0)},
            "--explain-max-rows was given 0; expected more than 0",
        ),
        ({"explain": ExplainLimits(segments=-1)}, "--explain-max-segments was given -1"),
        ({"explain": ExplainLimits(queue=0)}, "--explain-queue was given 0; expected more than 0"),
        ({"explain": ExplainLimits(seconds=math.nan)}, "--explain-timeout was given nan"),
        ({"explain": ExplainLimits(seconds=31)}, "31, which is more than --timeout 30, the time"),
        ({"port_file": "/dev/null"}, "--port-file was given /dev/null; expected a file in a fo"),
        ({"port_file": "/"}, "--port-file was given /; expected a file in a folder that can be"),
        ({"port_file": f"{__file__}/ports"}, "--port-file was given .*ports; expected a file in"),
        ({"poll": 0.0}, "--poll 0.0, --drain 0.5 and --rate 0.0: expected seconds above 0"),
        ({"model_name": "a b"}, "--model-name was given 'a b'; expected at most 128 characters"),
        ({"model_name": "a", "model_config": __file__}, "both name models; give one of them"),
        ({"models": "missing"}, "missing is not a folder; expected one that holds models"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_served_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(ServeConfig(**{"models": str(tmp_path), **options}))


def test_a_folder_of_models_has_no_name_of_its_own(tmp_path: Path) -> None:
    config = ServeConfig(str(tmp_path), model_name="x")
    assert check_config(config) is config  # the versions may come later
    (tmp_path / "reviews" / "1").mkdir(parents=True)
    with pytest.raises(ConfigError, match="'x', but .* is a folder of models: reviews; expected"):
        check_config(config)
    (tmp_path / "1").mkdir()
    assert check_config(config) is config


@pytest.mark.parametrize("option", ["--max-body", "--max-pixels", "--max-pending"])
def test_a_size_without_a_number_is_refused(cli: Cli, tmp_path: Path, option: str) -> None:
    for value in ("inf", "nan"):
        code, _, errors = cli("serve", tmp_path, option, value)
        assert code == 2 and f"{option} was given {value}; expected a number" in errors


def test_a_guarded_server_may_listen_to_other_machines(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    for guard in ({"keys": str(tmp_path / "keys")}, {"allow_open": True}):
        config = ServeConfig(str(tmp_path), host="0.0.0.0", **guard)  # type: ignore[arg-type]  # noqa: S104
        assert check_config(config) is config
    assert [is_local(host) for host in ("localhost", "127.0.0.9", "::1", "10.0.0.1", "a.b")] == [
        *(True, True, True, False, False)
    ]


def test_settings_mean_the_same_in_another_process() -> None:
    config = ServeConfig(
        "/models",
        tls=Tls("a", "b"),
        limits=RequestLimits(rows=3),
        batching=Batching(rows=7, requested=True),
        explain=ExplainLimits(queue=2),
    )
    assert ServeConfig.from_json(config.to_json()) == config


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be listened on"):
            open_listening_socket("127.0.0.1", port)
    # Another server's gRPC port would accept a shared socket, and half of its requests would go.
    with (
        socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken,
        pytest.raises(ConfigError, match="cannot be listened on"),
    ):
        reserve_port("127.0.0.1", taken.getsockname()[1])
    with open_listening_socket("127.0.0.1", 0) as free:
        assert port_of(free) > 0


def test_the_command_passes_its_options_on(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[ServeConfig] = []

    def serve(config: ServeConfig, started: Callable[[start.ServerReport], None]) -> int:
        configs.append(config)
        started(start.ServerReport("::1", 1, 2, 3, 4, tls=True))
        return 0

    monkeypatch.setattr(start, "serve", serve)
    monkeypatch.setattr("modelwright.serve.process.log.configure_log", lambda *, quiet: None)
    batching = tmp_path / "batching"
    batching.write_text("max_batch_size { value: 16 } max_enqueued_batches { value: 2 }")
    options = {
        "--rate": 5,
        "--max-body": 2,
        "--max-pending": 5,
        "--max-text": 0.5,
        "--max-image": 1.5,
        "--max-pixels": 12.5,
        "--max-all-pixels": 50,
        "--max-elements": 99,
        "--max-rows": 100,
        "--timeout": 7,
        "--explain-max-rows": 2,
        "--explain-max-segments": 300,
        "--explain-queue": 4,
        "--header-timeout": 3,
        "--idle-timeout": 4,
        "--drain": 1,
        "--unix-socket": "rest.sock",
        "--grpc-unix-socket": "grpc.sock",
        "--root-path": "/mw/",
        "--cors-origin": "https://app.example",
        "--api-keys": "keys.txt",
        "--batching-parameters": batching,
    }
    code, out, _ = cli(
        *("serve", tmp_path, "--cors-origin", "http://localhost:3000", "--explain"),
        *(part for pair in options.items() for part in pair),
    )
    assert code == 0
    assert out.splitlines() == [
        "REST and a page to try the models: https://[::1]:1/",
        "gRPC: [::1]:2",
        "metrics: http://[::1]:3/monitoring/prometheus/metrics",
        "workers: 4",
    ]
    (config,) = configs
    assert (config.rate, config.drain, config.models) == (5.0, 1.0, str(tmp_path))
    assert config.keys == str(Path("keys.txt").resolve())
    assert config.unix_socket == str(Path("rest.sock").resolve())
    assert config.grpc_unix_socket == str(Path("grpc.sock").resolve())
    assert config.site == Site("/mw", ("http://localhost:3000", "https://app.example"))
    assert config.limits == RequestLimits(
        body=2 * 2**20,
        pending=5 * 2**20,
        text=2**19,
        image=3 * 2**19,
        pixels=12_500_000,
        all_pixels=50_000_000,
        elements=99,
        rows=100,
        seconds=7.0,
        header_seconds=3.0,
        idle_seconds=4.0,
        queue=32,
    )
    # The time for an explanation is never more than that for the whole request.
    assert config.explain == ExplainLimits(rows=2, segments=300, seconds=7.0, queue=4)
    assert RequestLimits(header_seconds=3.0).idle == 3.0 and config.limits.idle == 4.0
    assert config.batching == Batching(rows=16, requested=True)


def test_half_of_a_certificate_is_refused(cli: Cli, tmp_path: Path) -> None:
    code, _, error = cli("serve", tmp_path, "--tls-cert", "a.pem")
    assert code == 2 and "TLS takes --tls-cert and --tls-key" in error


def test_explanations_are_off_by_default_and_have_no_limits_then(cli: Cli, tmp_path: Path) -> None:
    assert ServeConfig(str(tmp_path)).explain is None
    code, _, error = cli("serve", tmp_path, "--explain-queue", 3)
    assert code == 2 and "--explain-queue limits explanations; give --explain, too" in error
