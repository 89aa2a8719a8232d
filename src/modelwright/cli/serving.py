"""The commands round a server: ``serve``, ``versions``, ``rollback`` and ``deploy``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Optional

import typer

import modelwright
from modelwright.cli.output import Json, Quiet, emit
from modelwright.core.errors import ConfigError

_MIB = 2**20


def serve(
    models: Path = typer.Argument(help="A folder of models, or one model's folder."),
    host: str = typer.Option("127.0.0.1", help="The address to listen on."),
    rest_port: int = typer.Option(8501, help="Of REST and the page; 0 for any."),
    grpc_port: int = typer.Option(8500, help="Of gRPC; 0 for any."),
    metrics_port: Optional[int] = typer.Option(  # noqa: UP045
        None, help="Of Prometheus' figures alone, without keys; they are on REST's port too."
    ),
    workers: int = typer.Option(1, help="Processes that answer on the same ports."),
    engine: str = typer.Option("auto", help="onnx, litert or savedmodel."),
    model_config: Optional[Path] = typer.Option(  # noqa: UP045
        None, help="A file in TensorFlow Serving's text format: models, policies, labels."
    ),
    batching: Optional[Path] = typer.Option(  # noqa: UP045
        None, "--batching-parameters", help="A file in TensorFlow Serving's text format."
    ),
    poll: float = typer.Option(1.0, help="Seconds between two looks for new versions."),
    api_keys: Optional[Path] = typer.Option(  # noqa: UP045
        None, help="A file with a line 'NAME KEY' or 'NAME KEY admin' for each key."
    ),
    rate: float = typer.Option(0.0, help="Requests a second that each key may make; 0: any."),
    tls_cert: Optional[Path] = typer.Option(None, help="PEM; of both ports."),  # noqa: UP045
    tls_key: Optional[Path] = typer.Option(None, help="PEM."),  # noqa: UP045
    tls_ca: Optional[Path] = typer.Option(  # noqa: UP045
        None, help="PEM; clients must show a certificate that it signed."
    ),
    allow_open: bool = typer.Option(
        False, "--allow-open", help="Listen for other machines without keys or certificates."
    ),
    max_body: float = typer.Option(8.0, help="MiB of a request, packed or not."),
    max_rows: int = typer.Option(1024, help="Rows of a request."),
    timeout: float = typer.Option(30.0, help="Seconds that a request may take."),
    header_timeout: float = typer.Option(
        10.0, help="Seconds for a request's headers, and that an idle connection is kept."
    ),
    queue: int = typer.Option(256, help="Requests of a version that may wait."),
    drain: float = typer.Option(0.5, help="Seconds of accepting still, once told to stop."),
    access_log: Optional[str] = typer.Option(  # noqa: UP045
        None, help="A file that gets a line of JSON a request; - for standard error."
    ),
    port_file: Optional[Path] = typer.Option(  # noqa: UP045
        None, help="A file that gets the ports as JSON, once the models answer."
    ),
    quiet: bool = Quiet,
) -> None:
    """Answer TensorFlow Serving's REST and gRPC for every model in a folder."""
    from modelwright.serve.config import RequestLimits, ServeConfig, Tls
    from modelwright.serve.process.log import configure_log
    from modelwright.serve.process.start import ServerReport
    from modelwright.serve.process.start import serve as run

    if bool(tls_cert) != bool(tls_key) or (tls_ca and not tls_cert):
        raise ConfigError("TLS takes --tls-cert and --tls-key, and --tls-ca only with them.")
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
        tls=Tls(str(tls_cert.resolve()), str(tls_key.resolve()), _absolute(tls_ca))
        if tls_cert and tls_key
        else None,
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

        asked, waiting = read_batching_file(batching, config.limits)
        limits = replace(config.limits, queue=waiting)
        config = replace(config, batching=asked, limits=limits)

    def started(about: ServerReport) -> None:
        if not quiet:
            sys.stdout.write(about.render() + "\n")
            sys.stdout.flush()

    configure_log(quiet=quiet)
    raise typer.Exit(run(config, started))


def versions(
    model: Path = typer.Argument(help="A model's folder, models/NAME."),
    as_json: bool = Json,
) -> None:
    """List a model's versions: which one is live, which were withdrawn, what they measured."""
    emit(modelwright.versions(model), as_json=as_json)


def rollback(
    model: Path = typer.Argument(help="A model's folder, models/NAME."),
    to: Optional[int] = typer.Option(  # noqa: UP045
        None, help="The version to answer with; the one before by default."
    ),
    as_json: bool = Json,
) -> None:
    """Have servers answer with an older version of a model, at once."""
    emit(modelwright.rollback(model, to=to), as_json=as_json)


def deploy(
    target: str = typer.Argument(help="compose, kubernetes, kserve or ray."),
    models: Path = typer.Argument(help="A folder of models."),
    out: Path = typer.Option(Path("deploy"), "--out", "-o", help="Where the files are written."),
    name: str = typer.Option("modelwright", help="Of the objects in a cluster."),
    image: Optional[str] = typer.Option(None, help="TensorFlow Serving's, with its tag."),  # noqa: UP045
    cpus: int = typer.Option(2, help="Of one replica."),
    memory: int = typer.Option(2048, help="MiB of one replica, at most."),
    min_replicas: Optional[int] = typer.Option(None, help="What the target has by default."),  # noqa: UP045
    max_replicas: Optional[int] = typer.Option(None, help="What the target has by default."),  # noqa: UP045
    storage_uri: Optional[str] = typer.Option(None, help="Where KServe finds the models."),  # noqa: UP045
    nodes_path: Optional[str] = typer.Option(None, help="The models on each node of a cluster."),  # noqa: UP045
    force: bool = typer.Option(False, "--force", help="Replace files that are not its own."),
    as_json: bool = Json,
) -> None:
    """Write the files that serve a folder of models elsewhere; starts nothing."""
    from modelwright.deploy.options import SERVING_IMAGE, DeployOptions
    from modelwright.deploy.write import deploy as write

    if (min_replicas is None) != (max_replicas is None):
        raise ConfigError("--min-replicas and --max-replicas go together; give both or neither.")
    options = DeployOptions(
        name=name,
        image=image or SERVING_IMAGE,
        cpus=cpus,
        memory_mib=memory,
        replicas=(min_replicas, max_replicas)
        if min_replicas is not None and max_replicas is not None
        else None,
        storage_uri=storage_uri,
        nodes_path=nodes_path,
        force=force,
    )
    emit(write(target, models, out, options=options), as_json=as_json)


def _absolute(path: Path | None) -> str | None:
    return str(path.resolve()) if path else None
