"""The commands about a server: ``serve``, ``versions`` and ``rollback``."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import modelwright
from modelwright.cli.completion import complete_models
from modelwright.cli.options import AsJson, ModelFolder, Quiet
from modelwright.cli.output import print_report
from modelwright.core.errors import ConfigError, ServableError
from modelwright.core.folders import kind_of, wrong_folder

if TYPE_CHECKING:
    from modelwright.serve.config import ExplainLimits, Tls

_MIB = 2**20

ModelsFolder = Annotated[
    Path, typer.Argument(help="Folder of models, or of one model.", autocompletion=complete_models)
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
RestPort = Annotated[int, typer.Option(help="Port for REST and the web page; 0 picks a free one.")]
GrpcPort = Annotated[int, typer.Option(help="Port for gRPC; 0 picks a free one.")]
UnixSocket = Annotated[
    Path | None, typer.Option(help="Socket file for REST and the web page, in place of the port.")
]
GrpcUnixSocket = Annotated[
    Path | None,
    typer.Option(help="Socket file for gRPC, in place of the port; for one worker only."),
]
RootPath = Annotated[
    str, typer.Option(help="Path prefix of a proxy, as /models; requests may omit it.")
]
CorsOrigin = Annotated[
    list[str] | None,
    typer.Option(
        help="Origin whose web pages may call REST, as https://app.example; * for all. Repeatable."
    ),
]
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
Links = Annotated[
    list[Path] | None,
    typer.Option(
        "--allow-links-to",
        help="Folder outside the models folder that links in it may lead to; may be repeated.",
    ),
]
BatchingFile = Annotated[
    Path | None,
    typer.Option("--batching-parameters", help="TensorFlow Serving batching parameters file."),
]
ModelName = Annotated[
    str | None,
    typer.Option(help="Name of the model, if MODELS is the folder of one; the folder's otherwise."),
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
MaxPending = Annotated[
    float | None,
    typer.Option(
        help="Maximum size in MiB of all requests that a worker holds at a time; 16 of the largest"
        " by default."
    ),
]
MaxText = Annotated[float, typer.Option(help="Maximum size of one text in MiB.")]
MaxImage = Annotated[
    float, typer.Option(help="Maximum size of one image file in MiB, before base64.")
]
MaxPixels = Annotated[
    float, typer.Option(help="Maximum width times height of one image, in megapixels.")
]
MaxAllPixels = Annotated[
    float,
    typer.Option(
        help="Maximum width times height of all images of a request together, in megapixels."
    ),
]
MaxElements = Annotated[
    int, typer.Option(help="Maximum number of values in all tensors of a request.")
]
MaxRows = Annotated[int, typer.Option(help="Maximum number of rows in a request.")]
Timeout = Annotated[float, typer.Option(help="Time limit for a request, in seconds.")]
HeaderTimeout = Annotated[
    float,
    typer.Option(help="Time limit for the headers of a request, in seconds."),
]
IdleTimeout = Annotated[
    float | None,
    typer.Option(
        help="Seconds after which an idle connection is closed; as --header-timeout by default."
    ),
]
Queue = Annotated[int, typer.Option(help="Maximum number of waiting requests per version.")]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain", help="Also explain answers (:explain), in a separate process of low priority."
    ),
]
ExplainMaxRows = Annotated[
    int | None, typer.Option(help="Maximum number of rows to explain in a request; 8 by default.")
]
ExplainMaxSegments = Annotated[
    int | None,
    typer.Option(
        help="Maximum number of segments of an explained row, as words of a text; 2,000 by default."
    ),
]
ExplainTimeout = Annotated[
    float | None,
    typer.Option(
        help="Time limit for explaining one request, in seconds, without the queue; 10 by default."
    ),
]
ExplainQueue = Annotated[
    int | None,
    typer.Option(
        help="Maximum number of requests per worker that wait to be explained; 8 by default."
    ),
]
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
    unix_socket: UnixSocket = None,
    grpc_unix_socket: GrpcUnixSocket = None,
    root_path: RootPath = "",
    cors_origin: CorsOrigin = None,
    metrics_port: MetricsPort = None,
    workers: Workers = 1,
    engine: Engine = "auto",
    model_config: ModelConfigFile = None,
    links: Links = None,
    model_name: ModelName = None,
    batching: BatchingFile = None,
    poll: Poll = 1.0,
    api_keys: ApiKeysFile = None,
    rate: Rate = 0.0,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_ca: TlsAuthority = None,
    allow_open: AllowOpen = False,
    max_body: MaxBody = 32.0,
    max_pending: MaxPending = None,
    max_text: MaxText = 1.0,
    max_image: MaxImage = 20.0,
    max_pixels: MaxPixels = 64.0,
    max_all_pixels: MaxAllPixels = 512.0,
    max_elements: MaxElements = 2**22,
    max_rows: MaxRows = 1024,
    timeout: Timeout = 30.0,
    header_timeout: HeaderTimeout = 10.0,
    idle_timeout: IdleTimeout = None,
    queue: Queue = 256,
    explain: Explain = False,
    explain_max_rows: ExplainMaxRows = None,
    explain_max_segments: ExplainMaxSegments = None,
    explain_timeout: ExplainTimeout = None,
    explain_queue: ExplainQueue = None,
    drain: Drain = 0.5,
    access_log: AccessLog = None,
    port_file: PortFile = None,
    quiet: Quiet = False,
) -> None:
    """Serve every model in a folder over TensorFlow Serving's REST and gRPC interfaces."""
    from modelwright.serve.config import RequestLimits, ServeConfig, Site
    from modelwright.serve.process.log import configure_log
    from modelwright.serve.process.start import ServerReport
    from modelwright.serve.process.start import serve as run_server

    if model_config is None and kind_of(models) in ("run", "runs", "version"):
        raise ServableError(wrong_folder(models, "models"))
    config = ServeConfig(
        models=str(_without_following(models)),
        host=host,
        rest_port=rest_port,
        grpc_port=grpc_port,
        unix_socket=_absolute(unix_socket),
        grpc_unix_socket=_absolute(grpc_unix_socket),
        metrics_port=metrics_port,
        workers=workers,
        poll=poll,
        drain=drain,
        engine=engine,
        model_config=_absolute(model_config),
        links=tuple(str(_without_following(folder)) for folder in links or ()),
        model_name=model_name,
        keys=_absolute(api_keys),
        rate=rate,
        tls=_tls(tls_cert, tls_key, tls_ca),
        allow_open=allow_open,
        site=Site(root_path.rstrip("/"), tuple(cors_origin or ())),
        access_log=access_log,
        port_file=_absolute(port_file),
        limits=RequestLimits(
            body=_units("--max-body", max_body),
            pending=None if max_pending is None else _units("--max-pending", max_pending),
            text=_units("--max-text", max_text),
            image=_units("--max-image", max_image),
            pixels=_units("--max-pixels", max_pixels, 10**6),
            all_pixels=_units("--max-all-pixels", max_all_pixels, 10**6),
            elements=max_elements,
            rows=max_rows,
            header_seconds=header_timeout,
            idle_seconds=idle_timeout,
            seconds=timeout,
            queue=queue,
        ),
        explain=_explain_limits(
            explain,
            timeout,
            rows=explain_max_rows,
            segments=explain_max_segments,
            seconds=explain_timeout,
            queue=explain_queue,
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
    absolute = _without_following
    return Tls(str(absolute(certificate)), str(absolute(key)), _absolute(authority))


def _explain_limits(explain: bool, timeout: float, **given: float | None) -> ExplainLimits | None:
    """Returns the limits on explanations; None if the server explains no answers."""
    from modelwright.serve.limits import EXPLAIN_OPTIONS, ExplainLimits

    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if not explain:
        if chosen:
            option = EXPLAIN_OPTIONS[next(iter(chosen))]
            raise ConfigError(f"{option} limits explanations; give --explain, too.")
        return None
    chosen.setdefault("seconds", min(ExplainLimits.seconds, timeout))
    return ExplainLimits(**chosen)


def _units(option: str, value: float, size: int = _MIB) -> int:
    """Returns a number of MiB or megapixels in bytes or pixels."""
    if not math.isfinite(value):
        raise ConfigError(f"{option} was given {value}; expected a number.")
    return round(value * size)


def _absolute(path: Path | None) -> str | None:
    return str(_without_following(path)) if path else None


def _without_following(path: Path) -> Path:
    """Returns an absolute path with its links, which may lead elsewhere while the server runs."""
    return path.resolve() if ".." in path.parts else path.absolute()
