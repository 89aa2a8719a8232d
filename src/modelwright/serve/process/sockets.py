"""The sockets that a server listens on, which several workers can share."""

from __future__ import annotations

import socket
from contextlib import suppress

from modelwright.core.errors import ConfigError

BACKLOG = 1024


def open_listening_socket(host: str, port: int) -> socket.socket:
    """Returns a TCP socket that listens; port 0 picks a free one.

    Raises:
        ConfigError: the address cannot be used.
    """
    bound = _bind(host, port)
    bound.listen(BACKLOG)
    bound.set_inheritable(True)
    return bound


def reserve_port(host: str, port: int) -> socket.socket:
    """Returns a socket that only holds a port, which gRPC servers then share.

    Raises:
        ConfigError: the address cannot be used.
    """
    # A shared socket could bind the port of another server and take half of its requests.
    with _bind(host, port) as alone:
        port = port_of(alone)
    return _bind(host, port, shared=True)


def port_of(bound: socket.socket) -> int:
    """Returns the port of a socket."""
    return int(bound.getsockname()[1])


def format_address(host: str, port: int) -> str:
    """Returns ``HOST:PORT``, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def accept_waiting(listening: socket.socket) -> list[socket.socket]:
    """Accepts every waiting connection, because closing the socket would reset them."""
    connections = []
    with suppress(OSError):
        listening.setblocking(False)
        while True:
            connection, _ = listening.accept()
            connection.setblocking(False)
            connections.append(connection)
    return connections


def _bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"{format_address(host, port)} cannot be listened on: {error.strerror or error}; give"
            " another port or address, or stop what uses it."
        ) from None
    return bound
