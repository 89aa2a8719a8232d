"""API keys and their request rates."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.errors import ConfigError
from modelwright.serve.errors import Refused
from modelwright.serve.service.api_keys import Access, read_api_keys

KEY, ADMIN = "k" * 20, "a" * 20


def keys(folder: Path, text: str, rate: float = 0.0, now: list[float] | None = None):
    path = folder / "keys.txt"
    path.write_text(text)
    clock = (lambda: now[0]) if now is not None else (lambda: 0.0)
    return read_api_keys(path, rate, clock)


def refused(ask) -> Refused:
    with pytest.raises(Refused) as caught:
        ask()
    return caught.value


def test_without_keys_everyone_may_predict_and_nobody_may_reload() -> None:
    guard = Access()
    assert guard.open and guard.admit(None) is None
    assert refused(lambda: guard.admit(None, admin=True)).code == "PERMISSION_DENIED"


def test_a_key_is_required_and_found(tmp_path: Path) -> None:
    guard = keys(tmp_path, f"# team\nweb {KEY}\n\nops {ADMIN} admin\n")
    assert guard.admit(f"Bearer {KEY}") == "web"
    assert guard.admit(f"bearer {ADMIN}", admin=True) == "ops"
    for header in (None, "", KEY, f"Basic {KEY}", f"Bearer {KEY}x", "Bearer", "Bearer \ud800"):
        assert refused(lambda header=header: guard.admit(header)).code == "UNAUTHENTICATED"
    assert refused(lambda: guard.admit(f"Bearer {KEY}", admin=True)).code == "PERMISSION_DENIED"


def test_a_key_over_its_rate_is_told_when_to_try_again(tmp_path: Path) -> None:
    now = [100.0]
    guard = keys(tmp_path, f"web {KEY}\nother {ADMIN}\n", rate=2.0, now=now)
    for _ in range(2):
        guard.admit(f"Bearer {KEY}")
    late = refused(lambda: guard.admit(f"Bearer {KEY}"))
    assert late.code == "RESOURCE_EXHAUSTED" and late.retry_after == pytest.approx(0.5)
    assert guard.admit(f"Bearer {ADMIN}") == "other"
    now[0] += 0.5
    assert guard.admit(f"Bearer {KEY}") == "web"
    assert refused(lambda: guard.admit(f"Bearer {KEY}")).code == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web\n", "line 1 .* has 1 words; expected 'NAME KEY'"),
        (f"web {KEY} root\n", "line 1"),
        ("web short\n", "has 5 characters; expected at least 16"),
        (f"web {KEY}\nweb {ADMIN}\n", "line 2 .* there twice"),
        (f"web {KEY}\nweb2 {KEY}\n", "line 2 .* there twice"),
        ("# nothing\n", "holds no key"),
    ],
)
def test_an_invalid_file_of_keys_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        keys(tmp_path, text)
