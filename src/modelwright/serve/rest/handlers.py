"""The handlers of the REST routes: each takes a request and returns a reply.

``routes.py`` says which request each handler answers. Keys, time limits and the access log are
checked and written in ``api.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import modelwright
from modelwright.serve import page
from modelwright.serve.explanation.explain_service import ExplainService
from modelwright.serve.explanation.explanations import Explanations
from modelwright.serve.rest import json_answers, json_body
from modelwright.serve.rest.body import Headers, Receive, read_body
from modelwright.serve.rest.explain_body import parse_explain
from modelwright.serve.rest.openapi import openapi_document
from modelwright.serve.rest.reply import Reply, json_reply
from modelwright.serve.service.answers import Target
from modelwright.serve.service.descriptions import signature_json, status_json
from modelwright.serve.service.metrics import CONTENT_TYPE
from modelwright.serve.service.pending import Lease
from modelwright.serve.service.service import Service
from modelwright.serve.service.tf_example import example_from_features


@dataclass(frozen=True)
class RestRequest:
    """One request, after its route was found."""

    path: str
    target: Target
    headers: Headers
    receive: Receive
    deadline: float
    """On ``time.monotonic()``'s clock."""


class RestHandlers:
    """Answers requests from a service."""

    def __init__(
        self,
        service: Service,
        metrics: Callable[[], str],
        ready: Callable[[], bool],
        root_path: str = "",
        explanations: Explanations | None = None,
    ) -> None:
        """Takes what the answers are made of.

        Args:
            service: the models.
            metrics: returns Prometheus' text.
            ready: whether the server is ready for requests.
            root_path: the prefix of paths that a proxy adds.
            explanations: explains answers; None if the server does not.
        """
        self._service = service
        self._metrics = metrics
        self._ready = ready
        self._root_path = root_path
        self._explain = ExplainService(service, explanations)
        self.stopping = False
        """Whether the server stops, which makes it not ready."""

    async def list_models(self, request: RestRequest) -> Reply:
        """Lists all models."""
        models = self._service.list_models()
        return json_reply({"models": [{**m, **self._explain.described(m["name"])} for m in models]})

    async def predict(self, request: RestRequest) -> Reply:
        """Runs a signature for rows or columns of inputs."""
        with self._service.pending.lease() as lease:
            body = json_body.parse_predict(
                await self._document(request, lease),
                lambda name: self._service.signature(_with_signature(request.target, name)),
                most=self._service.limits.elements,
            )
            target = _with_signature(request.target, body.signature_name)
            answer = await self._service.predict(target, body.inputs, request.deadline)
        return _model_reply(json_answers.predictions(answer.outputs, row=body.row), answer.version)

    async def classify(self, request: RestRequest) -> Reply:
        """Classifies examples."""
        with self._service.pending.lease() as lease:
            name, examples = self._examples(await self._document(request, lease))
            target = _with_signature(request.target, name)
            answer = await self._service.classify(target, examples, request.deadline)
        return _model_reply(json_answers.classifications(answer.rows), answer.version)

    async def regress(self, request: RestRequest) -> Reply:
        """Computes a value for each example."""
        with self._service.pending.lease() as lease:
            name, examples = self._examples(await self._document(request, lease))
            target = _with_signature(request.target, name)
            answer = await self._service.regress(target, examples, request.deadline)
        return _model_reply(json_answers.regressions(answer.values), answer.version)

    async def explain(self, request: RestRequest) -> Reply:
        """Explains the answer to each row."""
        signature = self._explain.signature(request.target)
        with self._service.pending.lease() as lease:
            body = parse_explain(
                await self._document(request, lease),
                signature,
                most=self._service.limits.elements,
            )
            answer = await self._explain.explain(request.target, body, request.deadline)
        return _model_reply(answer.content, answer.version)

    async def status(self, request: RestRequest) -> Reply:
        """Returns the states of a model's versions."""
        return json_reply(status_json(self._service.status(request.target)))

    async def metadata(self, request: RestRequest) -> Reply:
        """Returns the signatures of a version."""
        version, signatures = self._service.signatures(request.target)
        spec = {
            "name": request.target.model,
            "signature_name": "",
            "version": str(version.number),
        }
        metadata = {"signature_def": signature_json(signatures)}
        return json_reply({"model_spec": spec, "metadata": metadata})

    async def health(self, request: RestRequest) -> Reply:
        """Says that the process answers."""
        return json_reply({"status": "alive"})

    async def readiness(self, request: RestRequest) -> Reply:
        """Says whether the server is ready, and if not, why; also what it does not serve."""
        ready = self._ready() and not self.stopping
        status = "ready" if ready else "stopping" if self.stopping else "loading"
        found = self._service.manager.readiness().to_dict()
        return json_reply({"status": status, **found}, 200 if ready else 503)

    async def metrics(self, request: RestRequest) -> Reply:
        """Returns the metrics of all workers."""
        return Reply(200, self._metrics().encode(), CONTENT_TYPE)

    async def page_file(self, request: RestRequest) -> Reply:
        """Returns a file of the web page."""
        file = page.asset(request.path)
        if file is None:
            return Reply(404)
        content, content_type = file
        return Reply(200, content, content_type, tuple(page.HEADERS.items()))

    async def openapi(self, request: RestRequest) -> Reply:
        """Returns the description of this interface."""
        return json_reply(openapi_document(modelwright.__version__, self._root_path))

    async def _document(self, request: RestRequest, lease: Lease) -> json_body.Document:
        limits = self._service.limits
        content = await read_body(request.headers, request.receive, limits.body, lease.take)
        return json_body.parse_json(content, depth=limits.depth)

    def _examples(self, document: json_body.Document) -> tuple[str, list[bytes]]:
        """Returns the signature's name and the serialized examples of a document."""
        name, features = json_body.parse_examples(document, most=self._service.limits.elements)
        return name, [example_from_features(example) for example in features]


def _with_signature(target: Target, name: str) -> Target:
    return replace(target, signature=name) if name else target


def _model_reply(content: bytes, version: int) -> Reply:
    return Reply(200, content, headers=(("x-model-version", str(version)),))
