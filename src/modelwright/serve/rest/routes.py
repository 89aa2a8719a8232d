"""The table of all REST routes, and the search in it.

A new route is one row here and one method of ``RestHandlers``. Routing, the check of API keys and
the OpenAPI document follow from the row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from modelwright.servable.live_version import LARGEST_VERSION
from modelwright.serve.errors import Refused
from modelwright.serve.rest.route import VERSION, Content, Docs, Route
from modelwright.serve.service.answers import Target

METRICS_PATH = "/monitoring/prometheus/metrics"
_V1 = "/v1/"
_MODEL = f"/v1/models/{{model}}{VERSION}"
_COLON = re.compile("%3a", re.IGNORECASE)
_NO_MODEL = Target("")

_ALWAYS = (400, 401, 403, 404, 429, 500, 503, 504)
_WITH_BODY = (*_ALWAYS, 409, 413, 499, 501)
_READ_ONLY = (405,)


def _docs_of_page(summary: str, media_type: str) -> Docs:
    content = Content("The file.", media_type=media_type)
    return Docs("This page", summary, {200: content}, _READ_ONLY)


ROUTES = (
    Route(
        "models", "GET", "/v1/models", "list_models", key=True, measured_as="list",
        docs=Docs(
            "Models", "Every model",
            {200: Content("The models.", "ModelsAnswer", ("models",))}, (401, 429, 500),
            description="TensorFlow Serving has no such list and answers 400 here.",
        ),
    ),
    Route(
        "predict", "POST", f"{_MODEL}:predict", "predict", key=True, measured_as="predict",
        docs=Docs(
            "Predict", "Predict with {version}",
            {
                200: Content(
                    "The answers.", "PredictAnswer", ("classified", "columnsClassified", "computed")
                )
            },
            _WITH_BODY,
            description=(
                "Rows in `instances` are answered by rows in `predictions`, columns in `inputs` by"
                " columns in `outputs`. An exported model takes `input_text`, a text, or"
                " `image_bytes`, a PNG, JPEG, GIF or BMP file in base64, and answers with"
                " `probabilities` in the order of its labels, the best `label` and its `score`."
                " The server bounds the size of a text (--max-text), of an image file (--max-image)"
                " and of images (--max-pixels, --max-all-pixels); an error names the option."
            ),
            body=Content(
                schema="PredictRequest", examples=("text", "picture", "columns", "numbers")
            ),
        ),
    ),
    Route(
        "classify", "POST", f"{_MODEL}:classify", "classify", key=True, measured_as="classify",
        docs=Docs(
            "Predict", "Classify with {version}",
            {200: Content("The labels and scores.", "ClassifyAnswer", ("scores",))}, _WITH_BODY,
            description="Answers each example with a list of pairs, each a label and its score.",
            body=Content(schema="ExamplesRequest", examples=("features",)),
        ),
    ),
    Route(
        "regress", "POST", f"{_MODEL}:regress", "regress", key=True, measured_as="regress",
        docs=Docs(
            "Predict", "Regress with {version}",
            {200: Content("The numbers.", "RegressAnswer", ("regressed",))}, _WITH_BODY,
            description="Answers each example with a number.",
            body=Content(schema="ExamplesRequest", examples=("features",)),
        ),
    ),
    Route(
        "explain", "POST", f"{_MODEL}:explain", "explain", key=True, measured_as="explain",
        docs=Docs(
            "Explain", "Explain answers of {version}",
            {200: Content("The explanations.", "ExplainAnswer", ("explainedText",))}, _WITH_BODY,
            description=(
                "Only on a server that was started with --explain; otherwise 400. Says of each row"
                " in `instances`, which are those of `:predict`, how much each segment of it"
                " speaks for a label, in log-odds: words of a text, with `start` and `end` in"
                " Unicode code points of the text as it was sent; rectangles of an image, in pixels"
                " of the upright image. `faithfulness` says how far that is true. A separate"
                " process of low priority explains one request after the other. The server bounds"
                " the rows (--explain-max-rows), the segments of a row (--explain-max-segments),"
                " the seconds of a request (--explain-timeout) and the requests that wait"
                " (--explain-queue)."
            ),
            body=Content(schema="ExplainRequest", examples=("explainText", "explainImage")),
        ),
    ),
    Route(
        "status", "GET", _MODEL, "status", key=True, measured_as="status",
        docs=Docs(
            "Models", "The state of {version}",
            {200: Content("The states.", "StatusAnswer", ("states",))}, _ALWAYS,
            description="A version that could not be loaded is END, and its status says why.",
            without_version="every version",
        ),
    ),
    Route(
        "metadata", "GET", f"{_MODEL}/metadata", "metadata", key=True, measured_as="metadata",
        docs=Docs(
            "Models", "Inputs and outputs of {version}",
            {200: Content("The signatures.", "MetadataAnswer", ("signatures",))}, _ALWAYS,
            description="The signatures: names, types and shapes of inputs and outputs.",
        ),
    ),
    Route(
        "healthz", "GET", "/healthz", "health", key=False,
        docs=Docs(
            "Operations", "Whether the process answers",
            {200: Content("The process answers.", "Health", ("alive",))}, _READ_ONLY,
        ),
    ),
    Route(
        "readyz", "GET", "/readyz", "readiness", key=False,
        docs=Docs(
            "Operations", "Whether the server is ready for requests",
            {
                200: Content(
                    "A model answers, and so does each that answered before.",
                    "Readiness",
                    ("ready",),
                ),
                503: Content(
                    "No model answers yet, one no longer does, or the server is stopping.",
                    "Readiness",
                    ("loading",),
                ),
            },
            _READ_ONLY,
        ),
    ),
    Route(
        "metrics", "GET", METRICS_PATH, "metrics", key=True,
        docs=Docs(
            "Operations", "Counters and latencies, under TensorFlow Serving's names",
            {200: Content("Prometheus' text format.", media_type="text/plain")}, (401, 405, 429),
        ),
    ),
    Route(
        "page", "GET", "/", "page_file", key=False,
        docs=_docs_of_page("The page to try models", "text/html"),
    ),
    Route(
        "docs", "GET", "/docs", "page_file", key=False,
        docs=_docs_of_page("This reference", "text/html"),
    ),
    Route(
        "openapi", "GET", "/openapi.json", "openapi", key=False,
        docs=_docs_of_page("This reference as OpenAPI", "application/json"),
    ),
)  # fmt: skip
"""Every route. Only the files under ``/page/``, which the page loads, are not in the table."""

_MODEL_ROUTES = {
    method: tuple(r for r in ROUTES if r.path.startswith(_V1) and method in r.methods)
    for method in ("GET", "HEAD", "POST")
}
_OTHER_ROUTES = {route.path: route for route in ROUTES if not route.path.startswith(_V1)}


@dataclass(frozen=True)
class RouteMatch:
    """A route, and the model and version in the path of the request."""

    route: Route
    target: Target = _NO_MODEL


def find_route(method: str, path: str) -> RouteMatch | None:
    """Returns the route of a request; None if no route has this path.

    A path outside ``/v1/`` is found with any method, and the caller refuses a wrong one.

    Args:
        method: in capital letters.
        path: still percent-encoded.

    Raises:
        Refused: a path in ``/v1/`` has no route. The message is TensorFlow Serving's.
    """
    if path[: len(_V1)].lower() != _V1:
        route = _OTHER_ROUTES.get(path)
        return RouteMatch(route) if route else None
    # Some clients encode the colon before a method too.
    for written in (path, _COLON.sub(":", path)) if "%" in path else (path,):
        for route in _MODEL_ROUTES.get(method, ()):
            if match := route.pattern.fullmatch(written):
                return RouteMatch(route, _target(**match.groupdict()))
    raise Refused("INVALID_ARGUMENT", f"Malformed request: {method} {path[:200]}")


def allowed_methods(path: str) -> tuple[str, ...]:
    """Returns the methods that a path takes; empty if no route has it."""
    if path == "*":  # asks for those of the whole server
        return ("GET", "HEAD", "POST")
    methods: list[str] = []
    for route in ROUTES:
        found = route.pattern.fullmatch(path) if route.path.startswith(_V1) else route.path == path
        if found:
            methods += route.methods
    return tuple(dict.fromkeys(methods))


def _target(model: str = "", version: str | None = None, label: str | None = None) -> Target:
    if version is None:
        return Target(_decoded(model), None, _decoded(label) if label else None)
    if int(version[:20]) > LARGEST_VERSION or len(version) > 20:
        raise Refused("INVALID_ARGUMENT", f"Failed to convert version: {version[:40]} to numeric.")
    return Target(_decoded(model), int(version))


def _decoded(name: str) -> str:
    return unquote_to_bytes(name).decode("utf-8", "replace") if "%" in name else name
