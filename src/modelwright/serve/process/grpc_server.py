"""A gRPC server on a port that several workers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import grpc.aio

from modelwright.core.errors import ConfigError
from modelwright.serve.config import ServeConfig, Tls
from modelwright.serve.process.sockets import format_address

_OPTIONS = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_metadata_size", 16 * 2**10),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


def create_grpc_server(handlers: list[Any], config: ServeConfig, port: int) -> Any:
    """Returns a server that is bound to the port and not yet started.

    Raises:
        ConfigError: a certificate cannot be read, or the address cannot be used.
    """
    server = grpc.aio.server(
        options=(
            *_OPTIONS,
            ("grpc.max_receive_message_length", config.limits.body),
            ("grpc.max_send_message_length", -1),
        ),
        maximum_concurrent_rpcs=config.limits.connections,
    )
    server.add_generic_rpc_handlers(handlers)
    socket_file = config.grpc_unix_socket
    # gRPC reads the address of a file as a URI.
    address = f"unix:{quote(socket_file)}" if socket_file else format_address(config.host, port)
    try:
        if config.tls:
            server.add_secure_port(address, _credentials(config.tls))
        else:
            server.add_insecure_port(address)
    except RuntimeError:
        raise ConfigError(
            f"gRPC cannot listen on {socket_file or address}; give another"
            f" {'path' if socket_file else 'port or address'}, or stop what uses it."
        ) from None
    return server


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    """Returns the credentials of the port, which ask for client certificates if there is a CA."""
    try:
        key, certificate = Path(tls.key).read_bytes(), Path(tls.certificate).read_bytes()
        ca = Path(tls.ca).read_bytes() if tls.ca else None
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}.") from None
    return grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=bool(ca))
