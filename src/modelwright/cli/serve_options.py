"""The options of ``modelwright serve``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.cli.completion import complete_models

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
Record = Annotated[
    Path | None,
    typer.Option(
        help="Folder to record requests with their answers in, as Parquet files, for labeling them"
        " later. The files hold what clients send."
    ),
]
RecordShare = Annotated[
    float | None, typer.Option(help="Share of the rows to record, at random; 1 by default.")
]
RecordMaxRows = Annotated[
    int | None,
    typer.Option(help="Maximum number of recorded rows of each model; 100,000 by default."),
]
RecordMaxSize = Annotated[
    float | None,
    typer.Option(help="Maximum size in MiB of the files of each model; 1,024 by default."),
]
RecordMaxFiles = Annotated[
    int | None,
    typer.Option(help="Maximum number of files of each model; 1,000 by default. The oldest go."),
]
RecordQueue = Annotated[
    int | None,
    typer.Option(
        help="Maximum number of rows of a worker that wait to be written; further ones are dropped"
        " and counted; 10,000 by default."
    ),
]
RecordSeconds = Annotated[
    float | None,
    typer.Option(help="Seconds after which waiting rows are written to a file; 60 by default."),
]
DriftWindow = Annotated[
    int,
    typer.Option(
        help="Number of last answers of a version that the drift metrics are about; 0 for none."
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
