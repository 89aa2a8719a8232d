"""The sockets that a server listens on, which several workers can share."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.serve.config import ServeConfig

BACKLOG = 1024
_CONNECT_SECONDS = 2.0
_SO_ATTACH_FILTER = 26
_DROP_FIRST_PACKETS = (
    (0x30, 0, 0, 13),  # load the byte of the TCP header with the flags
    (0x45, 0, 1, 0x02),  # SYN: the next step, otherwise the one after
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take
)
"""A program of the Linux kernel's packet filter (BPF); see socket(7), SO_ATTACH_FILTER."""


def open_listening_socket(host: str, port: int) -> socket.socket:
    """Returns a TCP socket that listens; port 0 picks a free one.

    Raises:
        ConfigError: the address cannot be used.
    """
    bound = _bind(host, port)
    bound.listen(BACKLOG)
    bound.set_inheritable(True)
    return bound


@contextmanager
def rest_socket(config: ServeConfig) -> Iterator[socket.socket]:
    """Opens the socket of REST, a port or a file; closes it at the end and removes the file.

    Raises:
        ConfigError: the address or the file cannot be used.
    """
    path = config.unix_socket
    if path is None:
        with open_listening_socket(config.host, config.rest_port) as bound:
            yield bound
        return
    clear_unix_socket(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        try:
            bound.bind(path)
        except OSError as error:
            raise ConfigError(
                f"the socket {path} cannot be made: {error.strerror or error}; give another path."
            ) from None
        bound.listen(BACKLOG)
        bound.set_inheritable(True)
        own = _identity(path)
        try:
            yield bound
        finally:
            # A new server may have put its own file there already.
            with suppress(FileNotFoundError):
                if _identity(path) == own:
                    Path(path).unlink()


@contextmanager
def grpc_port(config: ServeConfig) -> Iterator[int]:
    """Holds the port of gRPC; 0 if gRPC listens on a file, which must be free.

    Raises:
        ConfigError: the address or the file cannot be used.
    """
    if config.grpc_unix_socket:
        clear_unix_socket(config.grpc_unix_socket)
        yield 0
        return
    with reserve_port(config.host, config.grpc_port) as bound:
        yield port_of(bound)


def _identity(path: str) -> tuple[int, int]:
    """Returns what tells a file from its successor, which may have the same number."""
    status = os.lstat(path)
    return status.st_ino, status.st_mtime_ns


def clear_unix_socket(path: str) -> None:
    """Removes a socket file that a server left behind.

    Raises:
        ConfigError: the file is no socket, another server answers there, or it cannot be removed.
    """
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ConfigError(f"{path} is there and is no socket; give another path, or remove it.")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
            # The queue of another server may be full.
            tried.settimeout(_CONNECT_SECONDS)
            tried.connect(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        _remove(path)
    except TimeoutError:
        raise _in_use(path) from None
    except OSError as error:
        raise ConfigError(
            f"it cannot be found out whether a server listens on {path}: {error.strerror}; give"
            " another path, or remove the file."
        ) from None
    else:
        raise _in_use(path)


def _in_use(path: str) -> ConfigError:
    return ConfigError(f"another server listens on {path}; give another path, or stop it.")


def _remove(path: str) -> None:
    try:
        Path(path).unlink()
    except OSError as error:
        raise ConfigError(
            f"{path}, which a server left behind, cannot be removed: {error.strerror}; give"
            " another path, or remove the file."
        ) from None


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
    """Returns the port of a socket; 0 if it listens on a file."""
    return 0 if bound.family == socket.AF_UNIX else int(bound.getsockname()[1])


def format_address(host: str, port: int) -> str:
    """Returns ``HOST:PORT``, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def refuse_new(listening: socket.socket) -> None:
    """Lets no further client connect to a TCP socket under Linux; elsewhere nothing changes.

    Between the last accept and the close a client could still connect, and would be reset. From now
    on its first packet is dropped: it tries again after a second, and is refused, or finds another
    server. Handshakes that have begun end as usual.
    """
    if not sys.platform.startswith("linux") or listening.family == socket.AF_UNIX:
        return
    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_FIRST_PACKETS)
    held = ctypes.create_string_buffer(program)
    filtering = struct.pack("HP", len(_DROP_FIRST_PACKETS), ctypes.addressof(held))
    with suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filtering)


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
