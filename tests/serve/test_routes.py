"""Methods and paths of the REST interface."""

from __future__ import annotations

import pytest

from modelwright.serve.errors import Refused
from modelwright.serve.rest import routes
from modelwright.serve.service.service import Target


@pytest.mark.parametrize(
    ("method", "path", "kind", "target"),
    [
        ("POST", "/v1/models/m:predict", "predict", Target("m")),
        ("POST", "/V1/Models/M:PREDICT", "predict", Target("M")),
        ("POST", "/v1/models/m/versions/012:classify", "classify", Target("m", 12)),
        ("POST", "/v1/models/m/labels/stable:regress", "regress", Target("m", None, "stable")),
        ("GET", "/v1/models/m", "status", Target("m")),
        ("GET", "/v1/models/m/versions/3/metadata", "metadata", Target("m", 3)),
        ("HEAD", "/v1/models/m/labels/a%20b", "status", Target("m", None, "a b")),
        ("GET", "/v1/models/%E6%83%85%E6%84%9F/metadata", "metadata", Target("情感")),
        ("GET", "/v1/models", "list", Target("")),
        ("GET", "/v1/models/", "list", Target("")),
    ],
)
def test_what_is_asked(method: str, path: str, kind: str, target: Target) -> None:
    assert routes.find(method, path) == routes.Route(kind, target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/m:predict"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/:predict"),
        ("POST", "/v1/models/m:explain"),
        ("POST", "/v1/models/m/versions/x:predict"),
        ("POST", "/v1/models/m/versions/1/labels/a:predict"),
        ("GET", "/v1/models/a/b"),
        ("GET", "/v1/model/a"),
        ("DELETE", "/v1/models/m"),
    ],
)
def test_what_is_no_request(method: str, path: str) -> None:
    with pytest.raises(Refused, match=f"Malformed request: {method} /v1") as caught:
        routes.find(method, path)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_version_beyond_64_bits() -> None:
    for number in ("9" * 19, "9" * 5000):
        with pytest.raises(Refused, match="Failed to convert version"):
            routes.find("GET", f"/v1/models/m/versions/{number}")
    assert routes.find("GET", f"/v1/models/m/versions/{2**63 - 1}").target.version == 2**63 - 1
