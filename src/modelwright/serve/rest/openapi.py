"""The REST interface as an OpenAPI 3.1 document, made of plain dicts from the table of routes.

The document describes requests and checks none of them. It does not depend on the models that are
served, so that a client can be generated from it once. Its schemas are in ``openapi_schemas.py``.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from modelwright.serve.rest.openapi_explain_schemas import EXPLAIN_EXAMPLES, EXPLAIN_SCHEMAS
from modelwright.serve.rest.openapi_schemas import EXAMPLES, SCHEMAS
from modelwright.serve.rest.route import VERSION, VERSION_PATHS, Content, Route, VersionPath
from modelwright.serve.rest.routes import ROUTES

Node = dict[str, Any]

_DESCRIPTION = "\n\n".join(
    (
        "TensorFlow Serving's REST interface: clients that were written for it work unchanged.",
        "A body is JSON in UTF-8, and may be packed with gzip (Content-Encoding: gzip). As in"
        " TensorFlow Serving, numbers that JSON lacks are the bare tokens NaN, Infinity and"
        ' -Infinity, in both directions, and {"b64": "…"} is a string of bytes in base64, for an'
        " input of strings.",
        'Every error under /v1 is {"error": "…"} with a message. Every answer has the name of its'
        " request in the header x-request-id. A model's answer also has the version that answered,"
        " in x-model-version.",
        "If the server has API keys, requests need one: Authorization: Bearer KEY.",
    )
)

_TAGS = {
    "Predict": "Answers of a model. Without a version or a label the live version answers.",
    "Explain": "Why a model gives a row a label, if the server explains answers.",
    "Models": "The models, their versions, and their inputs and outputs.",
    "Operations": "Health and metrics.",
    "This page": "The page to try models, and this description.",
}

_REFUSALS = {
    400: "The request is invalid; the error says what was expected.",
    401: "No valid key was given.",
    403: "This key does not have permission.",
    404: "There is no such model or version.",
    405: "This path takes only GET and HEAD.",
    409: "Another change is in progress.",
    413: "The body, packed or unpacked, is larger than the server accepts (--max-body).",
    429: "This key exceeds its rate; Retry-After says how many seconds to wait.",
    499: "The request was canceled before it was answered.",
    500: "The model failed; the server's log says how, under the request's name.",
    501: "The model has no such method.",
    503: (
        "No version is ready, or too many requests wait (--queue, --explain-queue,"
        " --max-pending); Retry-After says when to try again."
    ),
    504: "The request took longer than its time limit.",
}
_RETRY_AFTER = (429, 503)


def openapi_document(version: str, root_path: str = "") -> Node:
    """Returns the OpenAPI document of a server of this version of Modelwright.

    Args:
        version: of Modelwright.
        root_path: the prefix of the paths behind a proxy.

    >>> sorted(openapi_document("1.0"))[:3]
    ['components', 'info', 'openapi']
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Modelwright",
            "version": version,
            "summary": "Classifiers of texts and images, and other SavedModels.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        **({"servers": [{"url": root_path}]} if root_path else {}),
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{}, {"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "One of the server's API keys, if it has any.",
                }
            },
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {f"Refused{code}": _refusal(code) for code in _REFUSALS},
            "schemas": SCHEMAS | EXPLAIN_SCHEMAS,
            "examples": EXAMPLES | EXPLAIN_EXAMPLES,
        },
    }


def openapi_path(route: Route, version_path: VersionPath) -> str:
    """Returns the path of a route with one way to name a version, as OpenAPI writes it."""
    return route.path.replace(VERSION, version_path.path)


def _paths() -> Node:
    paths: Node = {}
    for versioned, group in groupby(ROUTES, key=lambda route: route.versioned):
        routes = list(group)
        for version_path in VERSION_PATHS if versioned else VERSION_PATHS[:1]:
            for route in routes:
                path = openapi_path(route, version_path)
                item = paths.setdefault(path, {})
                names = [part.partition("}")[0] for part in path.split("{")[1:]]
                if names:
                    item["parameters"] = [_ref("parameters", name) for name in names]
                item[route.method.lower()] = _operation(route, version_path)
    return paths


def _operation(route: Route, version_path: VersionPath) -> Node:
    docs = route.docs
    words = version_path.words if version_path.path else docs.without_version
    node: Node = {
        "operationId": f"{route.name}{version_path.suffix}",
        "tags": [docs.tag],
        "summary": docs.summary.format(version=words),
    }
    if not route.key:
        node["security"] = []
    if docs.description:
        node["description"] = docs.description
    if docs.body:
        node["requestBody"] = {"required": True, "content": _content(docs.body)}
    node["responses"] = _responses(route)
    return node


def _responses(route: Route) -> Node:
    docs = route.docs
    responses: Node = {}
    for code, content in docs.answers.items():
        responses[str(code)] = {"description": content.description, "content": _content(content)}
        if route.key:
            # The version that answered is known once a model has answered.
            names = ["x-request-id", "x-model-version"] if docs.body else ["x-request-id"]
            responses[str(code)]["headers"] = {name: _ref("headers", name) for name in names}
    for code in sorted(docs.refusals):
        responses[str(code)] = _ref("responses", f"Refused{code}")
    return responses


def _content(content: Content) -> Node:
    if content.schema:
        examples = {name: _ref("examples", name) for name in content.examples}
        node: Node = {"schema": _ref("schemas", content.schema), "examples": examples}
    else:
        node = {"schema": {"type": "object" if "json" in content.media_type else "string"}}
    return {content.media_type: node}


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


def _refusal(code: int) -> Node:
    refusal: Node = {
        "description": _REFUSALS[code],
        "content": {"application/json": {"schema": _ref("schemas", "Error")}},
        "headers": {"x-request-id": _ref("headers", "x-request-id")},
    }
    if code in _RETRY_AFTER:
        refusal["headers"]["retry-after"] = _ref("headers", "retry-after")
    return refusal


def _parameters() -> Node:
    text: Node = {"type": "string", "minLength": 1}
    number: Node = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    return {
        name: {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": schema,
            "example": example,
        }
        for name, description, schema, example in (
            ("model", "The model's name.", text, "sentiment"),
            ("version", "A version's number.", number, 3),
            ("label", "A label of a version in the server's model config.", text, "stable"),
        )
    }


def _headers() -> Node:
    return {
        "x-model-version": {
            "description": "The version that answered.",
            "schema": {"type": "string"},
        },
        "x-request-id": {
            "description": "The request's name in the server's log.",
            "schema": {"type": "string"},
        },
        "retry-after": {
            "description": "Seconds after which another attempt may succeed.",
            "schema": {"type": "integer", "minimum": 0},
        },
    }
