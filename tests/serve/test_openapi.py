"""The OpenAPI document is valid, its examples fit its schemas, and every part is used."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from modelwright.serve.errors import HTTP
from modelwright.serve.rest.openapi import openapi_document

DOCUMENT = openapi_document("1.2.3")
VERBS = ("predict", "classify", "regress", "explain")
OPERATIONS = {
    (method, path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post")
}


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` below a node."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def follow(node: Any) -> Any:
    """What a node or the reference in it means."""
    while "$ref" in node:
        found: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def pairs() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """The name, the schema and the value of each example where it is used."""
    for operation in OPERATIONS.values():
        for holder in [operation.get("requestBody"), *operation["responses"].values()]:
            for media in follow(holder or {}).get("content", {}).values():
                for name, example in media.get("examples", {}).items():
                    yield name, media["schema"], follow(example)["value"]


def test_it_is_an_openapi_document() -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(json.loads(json.dumps(DOCUMENT)))
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_each_example_fits_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    seen = set()
    for name, schema, value in pairs():
        whole = {"components": DOCUMENT["components"], **schema}
        jsonschema.Draft202012Validator(whole).validate(value)
        seen.add(name)
    assert seen == set(DOCUMENT["components"]["examples"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instances": []},
        {"instances": [1], "inputs": [1]},
        {"instances": [1], "signature_name": 3},
        {"instances": 1},
    ],
)
def test_the_schema_refuses_malformed_bodies(body: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    whole = {
        "components": DOCUMENT["components"],
        "$ref": "#/components/schemas/PredictRequest",
    }
    assert not jsonschema.Draft202012Validator(whole).is_valid(body)


def test_every_reference_leads_somewhere_and_every_part_is_used() -> None:
    used = set(references(DOCUMENT))
    for reference in used:
        follow({"$ref": reference})
    there = {
        f"#/components/{kind}/{name}"
        for kind, parts in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in parts
    }
    assert there == used


def test_every_path_is_described() -> None:
    for where in ("", "/versions/{version}", "/labels/{label}"):
        base = f"/v1/models/{{model}}{where}"
        assert {("get", base), ("get", f"{base}/metadata")} <= set(OPERATIONS)
        assert {("post", f"{base}:{v}") for v in VERBS} <= set(OPERATIONS)
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


def test_each_path_that_refuses_other_methods_says_so() -> None:
    for (_, path), operation in OPERATIONS.items():
        assert ("405" in operation["responses"]) != path.startswith("/v1/"), path


def test_every_parameter_in_a_path_is_described_and_no_other() -> None:
    for path, item in DOCUMENT["paths"].items():
        told = {follow(parameter)["name"] for parameter in item.get("parameters", [])}
        assert told == {part.split("}")[0] for part in path.split("{")[1:]}, path


def test_every_status_of_a_refusal_is_described() -> None:
    answers = OPERATIONS["post", "/v1/models/{model}:predict"]["responses"]
    assert {str(code) for code in HTTP.values()} <= set(answers)


def test_the_image_in_the_example_is_valid() -> None:
    rows = DOCUMENT["components"]["examples"]["picture"]["value"]["instances"]
    image = Image.open(io.BytesIO(base64.b64decode(rows[0]["image_bytes"]["b64"], validate=True)))
    image.load()
    assert image.format == "PNG"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instances": []},
        {"instances": ["a"], "label": 1},
        {"instances": ["a"], "method": None},
        {"instances": ["a"], "signature_name": "ids"},
    ],
)
def test_the_schema_refuses_malformed_requests_to_explain(body: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = {
        "components": DOCUMENT["components"],
        "$ref": "#/components/schemas/ExplainRequest",
    }
    assert not jsonschema.Draft202012Validator(schema).is_valid(body)
