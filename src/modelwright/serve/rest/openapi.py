"""The REST interface as an OpenAPI 3.1 document, made of plain dicts.

It describes and checks nothing: what a request must be is said where it is read. The document is
the same whatever is served, so that a client can be made from it once. Its schemas are in
``openapi_schemas``.
"""

from __future__ import annotations

from typing import Any

from modelwright.serve.rest.openapi_schemas import EXAMPLES, SCHEMAS

Node = dict[str, Any]

_DESCRIPTION = "\n\n".join(
    (
        "TensorFlow Serving's REST interface: whatever was written for it works here unchanged.",
        "A body is JSON in UTF-8, and may be packed with gzip (Content-Encoding: gzip). As in"
        " TensorFlow Serving, numbers that JSON lacks are the bare tokens NaN, Infinity and"
        ' -Infinity, in both directions, and {"b64": "…"} is a string of bytes in base64, for an'
        " input of strings.",
        'Every error under /v1 is {"error": "…"}, in words for a person. Every answer names its'
        " request in the header x-request-id, and a model's answer the version that gave it in"
        " x-model-version.",
        "Where a server was started with keys, requests carry one: Authorization: Bearer KEY.",
    )
)

_TAGS = {
    "Predict": "Answers of a model. Without a version or a label the live version answers.",
    "Models": "What is served, in which versions, and what it takes.",
    "Operations": "For whoever watches the server.",
    "This page": "The page to try models, and this description.",
}

_REFUSALS = {
    400: "The request is not as it must be; the error says what was expected.",
    401: "No valid key was given.",
    403: "This key may not do that.",
    404: "There is no such model or version.",
    405: "This path is only read: GET or HEAD.",
    409: "Another change is under way.",
    413: "The body, packed or unpacked, is larger than the server takes.",
    429: "This key has asked too often; Retry-After says how many seconds to wait.",
    499: "The request was given up before it was answered.",
    500: "The model failed; the server's log says how, under the request's id.",
    501: "The model has no such method.",
    503: "No version is ready, or too many requests wait; Retry-After says when to ask again.",
    504: "The time for the request is over.",
}
_ALWAYS = (400, 401, 403, 404, 429, 500, 503, 504)
_WITH_BODY = (*_ALWAYS, 409, 413, 499, 501)
_WAITING = (429, 503)

_WHICH = {
    "": ("", "the live version", ()),
    "/versions/{version}": ("Version", "one version", ("version",)),
    "/labels/{label}": ("Label", "the version under a label", ("label",)),
}


def document(version: str) -> Node:
    """The OpenAPI document of a server of this version of Modelwright.

    >>> sorted(document("1.0"))[:3]
    ['components', 'info', 'openapi']
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Modelwright",
            "version": version,
            "summary": "Classifiers of texts and pictures, and other SavedModels.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{}, {"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "One of the server's keys, where it was started with any.",
                }
            },
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {f"Refused{code}": _refusal(code) for code in _REFUSALS},
            "schemas": SCHEMAS,
            "examples": EXAMPLES,
        },
    }


def _paths() -> Node:
    paths: Node = {"/v1/models": {"get": _models()}}
    for where, (suffix, which, parameters) in _WHICH.items():
        base = f"/v1/models/{{model}}{where}"
        shared = [_ref("parameters", name) for name in ("model", *parameters)]
        for verb, make in (("predict", _predict), ("classify", _classify), ("regress", _regress)):
            operation = {"operationId": f"{verb}{suffix}", **make(which)}
            paths[f"{base}:{verb}"] = {"parameters": shared, "post": operation}
        status = {"operationId": f"status{suffix}", **_status(which)}
        metadata = {"operationId": f"metadata{suffix}", **_metadata(which)}
        paths[base] = {"parameters": shared, "get": status}
        paths[f"{base}/metadata"] = {"parameters": shared, "get": metadata}
    return paths | _operations()


def _predict(which: str) -> Node:
    return {
        "tags": ["Predict"],
        "summary": f"Predict with {which}",
        "description": (
            "Rows in `instances` are answered by rows in `predictions`, columns in `inputs` by"
            " columns in `outputs`. A model of Modelwright's takes `input_text`, a text, or"
            " `image_bytes`, a PNG, JPEG, GIF or BMP file in base64, and answers with"
            " `probabilities` in the order of its labels, the best `label` and its `score`."
        ),
        "requestBody": _body("PredictRequest", "text", "picture", "columns", "numbers"),
        "responses": _answers(
            _json("PredictAnswer", "The answers.", "classified", "columnsClassified", "computed"),
            _WITH_BODY,
        ),
    }


def _classify(which: str) -> Node:
    return {
        "tags": ["Predict"],
        "summary": f"Classify with {which}",
        "description": "For each example a list of pairs of a label and its score.",
        "requestBody": _body("ExamplesRequest", "features"),
        "responses": _answers(
            _json("ClassifyAnswer", "The labels and scores.", "scores"), _WITH_BODY
        ),
    }


def _regress(which: str) -> Node:
    return {
        "tags": ["Predict"],
        "summary": f"Regress with {which}",
        "description": "For each example a number.",
        "requestBody": _body("ExamplesRequest", "features"),
        "responses": _answers(_json("RegressAnswer", "The numbers.", "regressed"), _WITH_BODY),
    }


def _status(which: str) -> Node:
    return {
        "tags": ["Models"],
        "summary": f"The state of {which if which != 'the live version' else 'every version'}",
        "description": "A version that could not be loaded is END, and its status says why.",
        "responses": _answers(_json("StatusAnswer", "The states.", "states"), _ALWAYS),
    }


def _metadata(which: str) -> Node:
    return {
        "tags": ["Models"],
        "summary": f"What {which} takes and gives",
        "description": "The signatures: names, types and shapes of inputs and outputs.",
        "responses": _answers(_json("MetadataAnswer", "The signatures.", "signatures"), _ALWAYS),
    }


def _models() -> Node:
    return {
        "operationId": "models",
        "tags": ["Models"],
        "summary": "Every model",
        "description": "TensorFlow Serving has no such list and answers 400 here.",
        "responses": _answers(_json("ModelsAnswer", "The models.", "models"), (401, 429, 500)),
    }


def _operations() -> Node:
    health = _json("Health", "It does.", "alive")
    ready = _json("Readiness", "Each has one.", "ready")
    waiting = _json("Readiness", "One has none yet, or the server is stopping.", "loading")
    return {
        "/healthz": _open("healthz", "Operations", "Whether the process answers", {200: health}),
        "/readyz": _open(
            "readyz",
            "Operations",
            "Whether every model has a live version",
            {200: ready, 503: waiting},
        ),
        "/monitoring/prometheus/metrics": {
            "get": {
                "operationId": "metrics",
                "tags": ["Operations"],
                "summary": "Counters and latencies, under TensorFlow Serving's names",
                "responses": _answers(_text("Prometheus' text format.", "text/plain"), (401, 429)),
            }
        },
        "/": _page("page", "The page to try models", "text/html"),
        "/docs": _page("docs", "This reference", "text/html"),
        "/openapi.json": _page("openapi", "This reference as OpenAPI", "application/json"),
    }


def _page(name: str, summary: str, kind: str) -> Node:
    return _open(name, "This page", summary, {200: _text("The file.", kind)})


def _open(name: str, tag: str, summary: str, answers: dict[int, Node]) -> Node:
    """A path that is asked without a key."""
    return {
        "get": {
            "operationId": name,
            "tags": [tag],
            "summary": summary,
            "security": [],
            "responses": {str(code): answer for code, answer in answers.items()}
            | {"405": _ref("responses", "Refused405")},
        }
    }


def _text(description: str, kind: str) -> Node:
    schema = {"type": "object" if kind == "application/json" else "string"}
    return {"description": description, "content": {kind: {"schema": schema}}}


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


def _media(schema: str, examples: tuple[str, ...]) -> Node:
    return {
        "application/json": {
            "schema": _ref("schemas", schema),
            "examples": {name: _ref("examples", name) for name in examples},
        }
    }


def _body(schema: str, *examples: str) -> Node:
    return {"required": True, "content": _media(schema, examples)}


def _json(schema: str, description: str, *examples: str) -> Node:
    return {"description": description, "content": _media(schema, examples)}


def _answers(good: Node, codes: tuple[int, ...]) -> Node:
    """The answers of an operation: the good one, named and numbered, and the refusals."""
    names = ["x-request-id"]
    if set(codes) >= set(_WITH_BODY):
        names.append("x-model-version")
    good = good | {"headers": {name: _ref("headers", name) for name in names}}
    return {"200": good} | {
        str(code): _ref("responses", f"Refused{code}") for code in sorted(codes)
    }


def _refusal(code: int) -> Node:
    refusal: Node = {
        "description": _REFUSALS[code],
        "content": {"application/json": {"schema": _ref("schemas", "Error")}},
        "headers": {"x-request-id": _ref("headers", "x-request-id")},
    }
    if code in _WAITING:
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
            ("label", "A label that the server's configuration gives a version.", text, "stable"),
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
            "description": "Seconds after which asking again may help.",
            "schema": {"type": "integer", "minimum": 0},
        },
    }
