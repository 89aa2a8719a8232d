"""API keys, and the request rate of each key.

A file of keys has a line ``NAME KEY`` for each key, or ``NAME KEY admin`` if the key may change
which models are served. Memory holds only checksums of the keys, compared in constant time.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.serve.errors import Refused

_SHORTEST = 16


@dataclass
class Bucket:
    """A bucket that gains ``rate`` tokens a second, and holds at most those of one second, or 1."""

    rate: float
    tokens: float
    filled: float

    def take(self, now: float) -> float:
        """Takes a token and returns 0, or returns the seconds until there is one."""
        most = max(self.rate, 1.0)
        self.tokens = min(most, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


@dataclass(frozen=True)
class Key:
    """One API key, its owner's name, and its rate limit if there is one."""

    name: str
    digest: bytes
    admin: bool
    bucket: Bucket | None


class Access:
    """The keys of a server. Without keys everyone may send requests, and nobody is an admin."""

    def __init__(
        self, keys: tuple[Key, ...] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._clock = clock

    @property
    def open(self) -> bool:
        """Whether requests need no key."""
        return not self._keys

    def admit(self, header: str | None, *, admin: bool = False) -> str | None:
        """Returns the name of the key in an ``Authorization`` header; None if no key is needed.

        Raises:
            Refused: the key is unknown, is no admin's, or is over its rate.
        """
        if self.open:
            if admin:
                raise Refused(
                    "PERMISSION_DENIED",
                    "This changes what is served, and no admin key is set; start the server with"
                    " --api-keys and a line 'NAME KEY admin'.",
                )
            return None
        key = self._find(header or "")
        if key is None:
            raise Refused(
                "UNAUTHENTICATED",
                "No valid API key was given; expected the header 'Authorization: Bearer KEY'.",
            )
        if admin and not key.admin:
            raise Refused("PERMISSION_DENIED", f"The key '{key.name}' is not an admin's.")
        if key.bucket and (wait := key.bucket.take(self._clock())):
            raise Refused(
                "RESOURCE_EXHAUSTED",
                f"The key '{key.name}' may ask {key.bucket.rate:g} times a second.",
                retry_after=wait,
            )
        return key.name

    def _find(self, header: str) -> Key | None:
        scheme, _, value = header.partition(" ")
        digest = sha256(value.strip().encode("utf-8", "replace")).digest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.digest) and scheme.lower() == "bearer":
                found = key
        return found


def read_api_keys(path: Path, rate: float, clock: Callable[[], float] = time.monotonic) -> Access:
    """Reads a file of keys, each with ``rate`` requests a second; 0 for no bound.

    Raises:
        ConfigError: a line is not a key, a key is short, or a name or a key is a duplicate.
    """
    keys: list[Key] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) not in (2, 3) or words[2:] not in ([], ["admin"]):
            raise ConfigError(
                f"line {number} of {path} has {len(words)} words; expected 'NAME KEY' or 'NAME"
                " KEY admin'."
            )
        name, key = words[:2]
        if len(key) < _SHORTEST:
            raise ConfigError(
                f"the key of '{name}' in {path} has {len(key)} characters; expected at least"
                f" {_SHORTEST}, for example from: python -c 'import secrets;"
                " print(secrets.token_urlsafe())'."
            )
        digest = sha256(key.encode()).digest()
        if any(name == other.name or digest == other.digest for other in keys):
            raise ConfigError(f"line {number} of {path}: '{name}' or its key is there twice.")
        bucket = Bucket(rate, max(rate, 1.0), clock()) if rate else None
        keys.append(Key(name, digest, len(words) == 3, bucket))
    if not keys:
        raise ConfigError(f"{path} holds no key; expected a line 'NAME KEY' for each.")
    return Access(tuple(keys), clock)
