"""The addresses at which this process and those below it listen, from Linux's own tables."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_LISTENING = "0A"


def listening_addresses() -> list[str]:
    """Returns the address of each TCP socket; an IPv4 address in IPv6 is that of IPv4."""
    sockets = {inode for pid in _descendants(os.getpid()) for inode in _sockets(pid)}
    found = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and fields[9] in sockets:
                words = bytes.fromhex(fields[1].split(":")[0])
                address = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                shown = socket.inet_ntop(family, address)
                found.append(shown.removeprefix("::ffff:"))
    return found


def _descendants(pid: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _sockets(pid: int) -> list[str]:
    try:
        links = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []
    return [link.removeprefix("socket:[")[:-1] for link in links if link.startswith("socket:[")]
