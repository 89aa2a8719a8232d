"""The commands about a server: ``serve``, ``versions`` and ``rollback``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import modelwright
from modelwright.cli.completion import complete_models
from modelwright.cli.options import AsJson, ModelFolder, Quiet
from modelwright.cli.output import print_report
from modelwright.core.errors import ConfigError, ServableError
from modelwright.core.folders import kind_of, wrong_folder

if TYPE_CHECKING:
    from modelwright.serve.config import Tls

_MIB = 2**20

ModelsFolder = Annotated[
    Path, typer.Argument(help="Folder of models, or of one model.", autocompletion=complete_models)
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
RestPort = Annotated[int, typer.Option(help="Port for REST and the web page; 0 picks a free one.")]
GrpcPort = Annotated[int, typer.Option(help="Port for gRPC; 0 picks a free one.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        help="Port for Prometheus metrics only, without keys; the REST port serves them too."
    ),
]
Workers = Annotated[int, typer.Option(help="Number of processes that share the ports.")]
Engine = Annotated[str, typer.Option(help="auto, onnx, litert or savedmodel.")]
ModelConfigFile = Annotated[
    Path | None,
    typer.Option(help="TensorFlow Serving model config file: models, policies, labels."),
]
BatchingFile = Annotated[
    Path | None,
    typer.Option("--batching-parameters", help="TensorFlow Serving batching parameters file."),
]
Poll = Annotated[float, typer.Option(help="Seconds between checks for new versions.")]
ApiKeysFile = Annotated[
    Path | None,
    typer.Option(help="File with one key per line, as 'NAME KEY' or 'NAME KEY admin'."),
]
Rate = Annotated[float, typer.Option(help="Requests per second for each key; 0 for no limit.")]
TlsCertificate = Annotated[
    Path | None, typer.Option(help="Server certificate, PEM; enables TLS on both ports.")
]
TlsKey = Annotated[Path | None, typer.Option(help="Private key of the certificate, PEM.")]
TlsAuthority = Annotated[
    Path | None, typer.Option(help="CA certificate, PEM; clients need a certificate from this CA.")
]
AllowOpen = Annotated[
    bool,
    typer.Option(
        "--allow-open", help="Allow access from other machines without keys or certificates."
    ),
]
MaxBody = Annotated[
    float, typer.Option(help="Maximum size of a request in MiB, compressed and decompressed.")
]
MaxRows = Annotated[int, typer.Option(help="Maximum number of rows in a request.")]
Timeout = Annotated[float, typer.Option(help="Time limit for a request, in seconds.")]
HeaderTimeout = Annotated[
    float,
    typer.Option(help="Time limit for request headers and for idle connections, in seconds."),
]
Queue = Annotated[int, typer.Option(help="Maximum number of waiting requests per version.")]
Drain = Annotated[
    float, typer.Option(help="Seconds to keep accepting connections after a stop signal.")
]
AccessLog = Annotated[
    str | None,
    typer.Option(help="File for the access log, one JSON line per request; - for standard error."),
]
PortFile = Annotated[
    Path | None, typer.Option(help="File to write the ports to, as JSON, once the models answer.")
]


def serve(
    models: ModelsFolder,
    host: Host = "127.0.0.1",
    rest_port: RestPort = 8501,
    grpc_port: GrpcPort = 8500,
    metrics_port: MetricsPort = None,
    workers: Workers = 1,
    engine: Engine = "auto",
    model_config: ModelConfigFile = None,
    batching: BatchingFile = None,
    poll: Poll = 1.0,
    api_keys: ApiKeysFile = None,
    rate: Rate = 0.0,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_ca: TlsAuthority = None,
    allow_open: AllowOpen = False,
    max_body: MaxBody = 8.0,
    max_rows: MaxRows = 1024,
    timeout: Timeout = 30.0,
    header_timeout: HeaderTimeout = 10.0,
    queue: Queue = 256,
    drain: Drain = 0.5,
    access_log: AccessLog = None,
    port_file: PortFile = None,
    quiet: Quiet = False,
) -> None:
    """Serve every model in a folder over TensorFlow Serving's REST and gRPC interfaces."""
    from modelwright.serve.config import RequestLimits, ServeConfig
    from modelwright.serve.process.log import configure_log
    from modelwright.serve.process.start import ServerReport
    from modelwright.serve.process.start import serve as run_server

    if model_config is None and kind_of(models) in ("run", "runs", "version"):
        raise ServableError(wrong_folder(models, "models"))
    config = ServeConfig(
        models=str(models.resolve()),
        host=host,
        rest_port=rest_port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        workers=workers,
        poll=poll,
        drain=drain,
        engine=engine,
        model_config=_absolute(model_config),
        keys=_absolute(api_keys),
        rate=rate,
        tls=_tls(tls_cert, tls_key, tls_ca),
        allow_open=allow_open,
        access_log=access_log,
        port_file=_absolute(port_file),
        limits=RequestLimits(
            body=int(max_body * _MIB),
            rows=max_rows,
            header_seconds=header_timeout,
            seconds=timeout,
            queue=queue,
        ),
    )
    if batching:
        from modelwright.serve.lifecycle.batching_file import read_batching_file

        parameters, queue = read_batching_file(batching, config.limits)
        limits = replace(config.limits, queue=queue)
        config = replace(config, batching=parameters, limits=limits)

    def announce(server: ServerReport) -> None:
        if not quiet:
            print_report(server, as_json=False)
            sys.stdout.flush()

    configure_log(quiet=quiet)
    raise typer.Exit(run_server(config, announce))


def versions(model: ModelFolder, as_json: AsJson = False) -> None:
    """List a model's versions with their states and measurements."""
    print_report(modelwright.versions(model), as_json=as_json)


def rollback(
    model: ModelFolder,
    to: Annotated[
        int | None, typer.Option(help="Version to serve; the previous one by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make running servers answer with another version of a model."""
    print_report(modelwright.rollback(model, to=to), as_json=as_json)


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    from modelwright.serve.config import Tls

    if bool(certificate) != bool(key) or (authority and not certificate):
        raise ConfigError("TLS takes --tls-cert and --tls-key, and --tls-ca only with them.")
    if not certificate or not key:
        return None
    return Tls(str(certificate.resolve()), str(key.resolve()), _absolute(authority))


def _absolute(path: Path | None) -> str | None:
    return str(path.resolve()) if path else None
