"""The settings of a server: addresses, limits, keys and files, and the checks of their values."""

from __future__ import annotations

import ipaddress
import json
import math
import os
import re
import ssl
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, brief
from modelwright.core.nearest import nearest
from modelwright.servable.engines.kinds import kind_of
from modelwright.servable.engines.registry import engine_names, is_known
from modelwright.servable.manifest import version_folders
from modelwright.serve.limits import LONGEST_SECONDS, check_explain_limits, check_limits
from modelwright.serve.limits import ExplainLimits as ExplainLimits
from modelwright.serve.limits import RequestLimits as RequestLimits
from modelwright.serve.record_settings import RecordSettings as RecordSettings
from modelwright.serve.record_settings import check_record_settings
from modelwright.serve.site import Site as Site
from modelwright.serve.site import check_site

_LONGEST_SOCKET = 107 if sys.platform == "linux" else 103
_LARGEST_WINDOW = 1_000_000
MODEL_NAME = re.compile(r"[^/:\s\x00-\x1f]{1,128}")


@dataclass(frozen=True)
class Batching:
    """How requests that wait for the same version are joined into one run."""

    rows: int = 32
    """Most rows in one run."""
    wait: float = 0.0
    """Seconds to wait for more requests once a thread is free."""
    threads: int = 0
    """Threads that run models; 0 for the cores that each worker has."""
    requested: bool = False
    """Whether a file asked for batching; if not, only models that gain from it are batched."""


@dataclass(frozen=True)
class Tls:
    """PEM files for both ports; with ``ca``, clients need a certificate that it signed."""

    certificate: str
    key: str
    ca: str | None = None


@dataclass(frozen=True)
class ServeConfig:
    """All settings. Paths are absolute, so they mean the same in every process."""

    models: str
    host: str = "127.0.0.1"
    rest_port: int = 8501
    grpc_port: int = 8500
    unix_socket: str | None = None
    """A socket file for REST, in place of its port."""
    grpc_unix_socket: str | None = None
    """A socket file for gRPC, in place of its port; only for one worker."""
    metrics_port: int | None = None
    workers: int = 1
    poll: float = 1.0
    """Seconds between two searches for new versions."""
    drain: float = 0.5
    """Seconds for which a stopping server still accepts connections."""
    engine: str = "auto"
    model_config: str | None = None
    links: tuple[str, ...] = ()
    """Folders outside ``models`` that links in it may lead to."""
    model_name: str | None = None
    """Name under which ``models``, the folder of one model, is served; None for the folder's."""
    batching: Batching = field(default_factory=Batching)
    keys: str | None = None
    rate: float = 0.0
    """Requests per second for each key; 0 for no bound."""
    tls: Tls | None = None
    allow_open: bool = False
    site: Site = field(default_factory=Site)
    access_log: str | None = None
    port_file: str | None = None
    limits: RequestLimits = field(default_factory=RequestLimits)
    explain: ExplainLimits | None = None
    """Limits on explanations; None if the server explains no answers."""
    record: RecordSettings | None = None
    """Where answers are recorded; None if they are not."""
    drift_window: int = 1_000
    """Last answers of a version that its gauges of drift are about; 0 for no gauges."""

    @property
    def reopens_log(self) -> bool:
        """Whether SIGHUP opens the access log again, which it does if the log is a file."""
        return self.access_log not in (None, "-")

    def to_json(self) -> str:
        """Returns the settings as text for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServeConfig:
        """Reads the text of ``to_json``."""
        record: dict[str, Any] = json.loads(text)
        record["limits"] = RequestLimits(**record["limits"])
        record["explain"] = ExplainLimits(**record["explain"]) if record["explain"] else None
        record["record"] = RecordSettings(**record["record"]) if record["record"] else None
        record["batching"] = Batching(**record["batching"])
        record["links"] = tuple(record["links"])
        record["tls"] = Tls(**record["tls"]) if record["tls"] else None
        site = record["site"]
        record["site"] = Site(site["root_path"], tuple(site["cors_origins"]))
        return cls(**record)


def check_config(config: ServeConfig) -> ServeConfig:
    """Returns the config, if it can be served.

    Raises:
        ConfigError: the models folder is missing, a number is out of bounds, a file cannot be
            read, or other machines could reach a server without keys or client certificates.
    """
    if not Path(config.models).is_dir():
        raise ConfigError(
            f"{config.models} is not a folder; expected one that holds models, each a folder"
            " with numbered versions as 'modelwright export' writes them."
        )
    for folder in config.links:
        if not Path(folder).is_dir():
            raise ConfigError(f"--allow-links-to was given {folder}; expected a folder.")
    _check_model_name(config)
    _check_numbers(config)
    for file in filter(None, (config.keys, config.model_config, *_tls_files(config.tls))):
        if not os.access(file, os.R_OK):
            raise ConfigError(f"{file} cannot be read; expected a file.")
    if config.engine != "auto" and not is_known(config.engine):
        names = engine_names()
        raise ConfigError(
            f"--engine was given '{config.engine}'.{nearest(kind_of(config.engine), names)}"
            f" Expected auto, {', '.join(names)}, or a file of one as litert-int8."
        )
    if config.tls:
        _check_tls(config.tls)
    _check_sockets(config)
    _check_port_file(config.port_file)
    check_site(config.site)
    if config.record:
        check_record_settings(config.record, config.limits, (config.models, *config.links))
    guarded = config.keys or (config.tls and config.tls.ca)
    files_only = config.unix_socket and config.grpc_unix_socket
    if not is_local(config.host) and not files_only and not guarded and not config.allow_open:
        raise ConfigError(
            f"--host {config.host} is open to other machines, and nothing guards it; give"
            " --api-keys, or --tls-ca for client certificates, or --allow-open to answer"
            " everyone who reaches it."
        )
    return config


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_model_name(config: ServeConfig) -> None:
    if config.model_name is None:
        return
    if config.model_config:
        raise ConfigError("--model-name and --model-config both name models; give one of them.")
    if not MODEL_NAME.fullmatch(config.model_name):
        raise ConfigError(
            f"--model-name was given {config.model_name!r}; expected at most 128 characters without"
            " '/', ':' and spaces."
        )
    root = Path(config.models)
    names = _models_in(root)
    if names and not version_folders(root):
        raise ConfigError(
            f"--model-name was given {config.model_name!r}, but {root} is a folder of models:"
            f" {', '.join(names[:3])}{', …' if names[3:] else ''}; expected the folder of one"
            " model, which holds its numbered versions."
        )


def _models_in(root: Path) -> list[str]:
    try:
        return [path.name for path in sorted(root.iterdir()) if version_folders(path)]
    except OSError:
        return []


def _check_numbers(config: ServeConfig) -> None:
    for name in ("rest_port", "grpc_port", "metrics_port"):
        port = getattr(config, name)
        if port is not None and not 0 <= port < 2**16:
            raise ConfigError(
                f"--{name.replace('_', '-')} was given {port}; expected 0 to 65535, 0 for any"
                " that is free."
            )
    if not 1 <= config.workers <= 64:
        raise ConfigError(f"--workers was given {config.workers}; expected 1 to 64.")
    if not 0 <= config.drift_window <= _LARGEST_WINDOW:
        raise ConfigError(
            f"--drift-window was given {config.drift_window}; expected 0 to {_LARGEST_WINDOW:,},"
            " 0 for no gauges of drift."
        )
    check_limits(config.limits)
    if config.explain:
        check_explain_limits(config.explain, config.limits)
    seconds_fit = 0 < config.poll <= LONGEST_SECONDS and 0 <= config.drain <= LONGEST_SECONDS
    if not (seconds_fit and 0 <= config.rate < math.inf):
        raise ConfigError(
            f"--poll {config.poll}, --drain {config.drain} and --rate {config.rate}: expected"
            f" seconds above 0, at most {LONGEST_SECONDS:,.0f}, and rates of at least 0."
        )


def _check_sockets(config: ServeConfig) -> None:
    for option, path in (
        ("--unix-socket", config.unix_socket),
        ("--grpc-unix-socket", config.grpc_unix_socket),
    ):
        if path is None:
            continue
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise ConfigError(
                f"{option} was given a path of {len(os.fsencode(path))} bytes; expected at most"
                f" {_LONGEST_SOCKET}, which is what the system takes: {path}"
            )
        if not Path(path).parent.is_dir():
            raise ConfigError(
                f"{option} was given {path}; expected a file in a folder that is there."
            )
    if config.unix_socket and config.unix_socket == config.grpc_unix_socket:
        raise ConfigError(
            f"--unix-socket and --grpc-unix-socket were both given {config.unix_socket}; expected"
            " a file for each."
        )
    if config.grpc_unix_socket and config.workers > 1:
        raise ConfigError(
            f"--grpc-unix-socket was given with --workers {config.workers}; gRPC cannot share a"
            " socket file between processes. Give --workers 1, or leave gRPC on its port."
        )


def _check_port_file(path: str | None) -> None:
    """Checks that the file can be written, which happens only when all models are loaded."""
    if path is None:
        return
    file = Path(path)
    # A device, for example, would be replaced by the file.
    fits = file.is_file() or not os.path.lexists(path)
    folder = next((one for one in file.parents if os.access(one, os.F_OK)), file)
    if not (fits and folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigError(
            f"--port-file was given {path}; expected a file in a folder that can be written."
        )


def _check_tls(tls: Tls) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.ca:
            context.load_verify_locations(tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"--tls-cert {tls.certificate}, --tls-key {tls.key}"
            f"{f' and --tls-ca {tls.ca}' if tls.ca else ''} cannot be used: {brief(error)};"
            " expected PEM files, the key being the certificate's and without a password."
        ) from None


def _tls_files(tls: Tls | None) -> list[str | None]:
    return [tls.certificate, tls.key, tls.ca] if tls else []
