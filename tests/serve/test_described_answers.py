"""The answers of a server with trained models fit its OpenAPI document."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

import pytest

from modelwright.serve.page import ASSETS, HEADERS

pytest_plugins = ("page_server",)

pytestmark = pytest.mark.slow


def test_the_server_answers_as_its_description_says(url: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    with urlopen(f"{url}openapi.json") as answer:
        document = json.load(answer)

    def answers(
        method: str, path: str, body: bytes | None = None, model: str = "sentiment"
    ) -> None:
        told = document["paths"][path][method]["responses"]["200"]
        target = path.replace("{model}", model).replace("{version}", "1").lstrip("/")
        with urlopen(Request(url + target, data=body)) as answer:
            kind = answer.headers.get_content_type()
            content = answer.read()
            assert set(told.get("headers", {})) <= {name.lower() for name in answer.headers}
        schema = told["content"][kind]["schema"]
        value = json.loads(content) if kind == "application/json" else content.decode()
        jsonschema.validate(value, {"components": document["components"], **schema})

    for path, item in document["paths"].items():
        if "get" in item and "{label}" not in path:
            answers("get", path)
    predict = "/v1/models/{model}:predict"
    examples = document["components"]["examples"]
    for name, model in (("text", "sentiment"), ("columns", "sentiment"), ("picture", "colors")):
        answers("post", predict, json.dumps(examples[name]["value"]).encode(), model)


def test_every_file_comes_with_its_type_and_the_policy(url: str) -> None:
    for path, (_, kind) in ASSETS.items():
        with urlopen(url.rstrip("/") + path) as answer:
            assert answer.headers["content-type"] == kind
            for name, value in HEADERS.items():
                assert answer.headers[name] == value
