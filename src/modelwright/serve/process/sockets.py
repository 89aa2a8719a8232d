"""The sockets a server listens on, which several workers can share."""

from __future__ import annotations

import socket
from contextlib import suppress

from modelwright.core.errors import ConfigError

BACKLOG = 1024


def listening(host: str, port: int) -> socket.socket:
    """A TCP socket that is bound and listens; its port is any that is free where it was 0.

    Raises:
        ConfigError: the address cannot be had.
    """
    made = _bound(host, port)
    made.listen(BACKLOG)
    made.set_inheritable(True)
    return made


def reserved(host: str, port: int) -> socket.socket:
    """A socket that only holds a port, which gRPC servers then share.

    Raises:
        ConfigError: the address cannot be had.
    """
    # One that shares would be let in beside another server's, and get half of its requests.
    with _bound(host, port) as alone:
        port = port_of(alone)
    return _bound(host, port, shared=True)


def port_of(held: socket.socket) -> int:
    """The port of a socket."""
    return int(held.getsockname()[1])


def address(host: str, port: int) -> str:
    """Host and port as one word."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def accept_waiting(held: socket.socket) -> list[socket.socket]:
    """Every connection that waits to be accepted: closing the socket would reset them."""
    found = []
    with suppress(OSError):
        held.setblocking(False)
        while True:
            connection, _ = held.accept()
            connection.setblocking(False)
            found.append(connection)
    return found


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ConfigError(
            f"{address(host, port)} cannot be listened on: {error.strerror or error}; give another"
            " port or address, or stop what uses it."
        ) from None
    return made
