"""The commands about a server: ``serve``, ``versions`` and ``rollback``."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import modelwright
from modelwright.cli import serve_options as given
from modelwright.cli.options import AsJson, ModelFolder, Quiet
from modelwright.cli.output import print_report
from modelwright.core.errors import ConfigError, ServableError
from modelwright.core.folders import kind_of, wrong_folder

if TYPE_CHECKING:
    from modelwright.serve.config import ExplainLimits, RecordSettings, Tls

_MIB = 2**20


def serve(
    models: given.ModelsFolder,
    host: given.Host = "127.0.0.1",
    rest_port: given.RestPort = 8501,
    grpc_port: given.GrpcPort = 8500,
    unix_socket: given.UnixSocket = None,
    grpc_unix_socket: given.GrpcUnixSocket = None,
    root_path: given.RootPath = "",
    cors_origin: given.CorsOrigin = None,
    metrics_port: given.MetricsPort = None,
    workers: given.Workers = 1,
    engine: given.Engine = "auto",
    model_config: given.ModelConfigFile = None,
    links: given.Links = None,
    model_name: given.ModelName = None,
    batching: given.BatchingFile = None,
    poll: given.Poll = 1.0,
    api_keys: given.ApiKeysFile = None,
    rate: given.Rate = 0.0,
    tls_cert: given.TlsCertificate = None,
    tls_key: given.TlsKey = None,
    tls_ca: given.TlsAuthority = None,
    allow_open: given.AllowOpen = False,
    max_body: given.MaxBody = 32.0,
    max_pending: given.MaxPending = None,
    max_text: given.MaxText = 1.0,
    max_image: given.MaxImage = 20.0,
    max_pixels: given.MaxPixels = 64.0,
    max_all_pixels: given.MaxAllPixels = 512.0,
    max_elements: given.MaxElements = 2**22,
    max_rows: given.MaxRows = 1024,
    timeout: given.Timeout = 30.0,
    header_timeout: given.HeaderTimeout = 10.0,
    idle_timeout: given.IdleTimeout = None,
    queue: given.Queue = 256,
    explain: given.Explain = False,
    explain_max_rows: given.ExplainMaxRows = None,
    explain_max_segments: given.ExplainMaxSegments = None,
    explain_timeout: given.ExplainTimeout = None,
    explain_queue: given.ExplainQueue = None,
    record: given.Record = None,
    record_share: given.RecordShare = None,
    record_max_rows: given.RecordMaxRows = None,
    record_max_size: given.RecordMaxSize = None,
    record_max_files: given.RecordMaxFiles = None,
    record_queue: given.RecordQueue = None,
    record_seconds: given.RecordSeconds = None,
    drift_window: given.DriftWindow = 1_000,
    drain: given.Drain = 0.5,
    access_log: given.AccessLog = None,
    port_file: given.PortFile = None,
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
        drift_window=drift_window,
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
        record=_record_settings(
            record,
            share=record_share,
            rows=record_max_rows,
            size=None if record_max_size is None else _units("--record-max-size", record_max_size),
            files=record_max_files,
            queue=record_queue,
            seconds=record_seconds,
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


def _record_settings(folder: Path | None, **given: float | None) -> RecordSettings | None:
    """Returns how answers are recorded; None if they are not."""
    from modelwright.serve.record_settings import RECORD_OPTIONS, RecordSettings

    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if folder is None:
        if chosen:
            option = RECORD_OPTIONS[next(iter(chosen))]
            raise ConfigError(f"{option} is about recorded answers; give --record FOLDER, too.")
        return None
    return RecordSettings(str(_without_following(folder)), **chosen)


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
