"""The table of routes: which row a request finds, and that routing and OpenAPI follow from it."""

from __future__ import annotations

import re

import pytest

from modelwright.serve.errors import Refused
from modelwright.serve.rest.handlers import RestHandlers
from modelwright.serve.rest.openapi import openapi_document, openapi_path
from modelwright.serve.rest.route import VERSION_PATHS, Route
from modelwright.serve.rest.routes import ROUTES, find_route
from modelwright.serve.service.answers import Target

VALUES = {"model": "m", "version": "3", "label": "stable"}


def paths_of(route: Route) -> list[str]:
    """Every path of a route, as OpenAPI writes it."""
    variants = VERSION_PATHS if route.versioned else VERSION_PATHS[:1]
    return [openapi_path(route, variant) for variant in variants]


@pytest.mark.parametrize(
    ("method", "path", "name", "target"),
    [
        ("POST", "/v1/models/m:predict", "predict", Target("m")),
        ("POST", "/V1/Models/M:PREDICT", "predict", Target("M")),
        ("POST", "/v1/models/m/versions/012:classify", "classify", Target("m", 12)),
        ("POST", "/v1/models/m/labels/stable:regress", "regress", Target("m", None, "stable")),
        ("GET", "/v1/models/m", "status", Target("m")),
        ("GET", "/v1/models/m/versions/3/metadata", "metadata", Target("m", 3)),
        ("HEAD", "/v1/models/m/labels/a%20b", "status", Target("m", None, "a b")),
        ("GET", "/v1/models/%E6%83%85%E6%84%9F/metadata", "metadata", Target("情感")),
        ("POST", "/v1/models/%E6%83%85%3Apredict", "predict", Target("情")),
        ("POST", "/v1/models/a%3ab:predict", "predict", Target("a:b")),
        ("GET", "/v1/models", "models", Target("")),
        ("GET", "/v1/models/", "models", Target("")),
        ("GET", "/healthz", "healthz", Target("")),
        ("POST", "/readyz", "readyz", Target("")),
    ],
)
def test_a_request_finds_its_route_and_its_target(
    method: str, path: str, name: str, target: Target
) -> None:
    match = find_route(method, path)
    assert match is not None
    assert (match.route.name, match.target) == (name, target)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/m:predict"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/:predict"),
        ("POST", "/v1/models/m:train"),
        ("POST", "/v1/models/m/versions/x:predict"),
        ("POST", "/v1/models/m/versions/1/labels/a:predict"),
        ("GET", "/v1/models/a/b"),
        ("GET", "/v1/model/a"),
        ("DELETE", "/v1/models/m"),
        ("HEAD", "/v1/models/m:predict"),
    ],
)
def test_a_request_without_a_route_is_malformed(method: str, path: str) -> None:
    with pytest.raises(Refused, match=f"Malformed request: {method} /v1") as caught:
        find_route(method, path)
    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("path", ["/v2/models", "/healthz/", "/HEALTHZ", "/page/page.css", ""])
def test_a_path_outside_the_interface_is_found_only_exactly(path: str) -> None:
    assert find_route("GET", path) is None


def test_a_version_number_has_at_most_63_bits() -> None:
    for number in ("9" * 19, "9" * 5000):
        with pytest.raises(Refused, match="Failed to convert version"):
            find_route("GET", f"/v1/models/m/versions/{number}")
    match = find_route("GET", f"/v1/models/m/versions/{2**63 - 1}")
    assert match is not None and match.target.version == 2**63 - 1


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_row_is_routed_described_and_handled(route: Route) -> None:
    assert callable(getattr(RestHandlers, route.handler))
    described = openapi_document("1.0")["paths"]
    for path in paths_of(route):
        operation = described[path][route.method.lower()]
        assert operation["operationId"].startswith(route.name)
        assert (operation.get("security") == []) == (not route.key)
        request = re.sub(r"\{(\w+)\}", lambda name: VALUES[name[1]], path)
        for method in route.methods:
            match = find_route(method, request)
            assert match is not None and match.route is route


def test_openapi_describes_no_other_path() -> None:
    described = {
        (path, method)
        for path, item in openapi_document("1.0")["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == {(path, r.method.lower()) for r in ROUTES for path in paths_of(r)}
    assert len({route.name for route in ROUTES}) == len(ROUTES)
