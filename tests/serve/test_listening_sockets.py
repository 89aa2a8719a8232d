"""A socket that listens, at the moment when its server stops."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

from modelwright.serve.process.sockets import accept_waiting, open_listening_socket, refuse_new


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a filter of Linux")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_connects_too_late_is_refused_and_not_reset(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with open_listening_socket(host, 0) as listening:
        address = listening.getsockname()[:2]
        with socket.create_connection(address, timeout=5) as early:
            refuse_new(listening)
            (accepted,) = accept_waiting(listening)
            closing = threading.Timer(0.2, listening.close)
            closing.start()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, timeout=10)
            closing.join()
            accepted.sendall(b"still here")
            assert early.recv(10) == b"still here"
            accepted.close()
