"""TensorFlow Serving's REST interface, and what stands beside it, as one ASGI application.

Written by hand rather than with a framework, since what a framework does for each request costs
more than the models here do.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.serve import page
from modelwright.serve.errors import HTTP, Refused
from modelwright.serve.rest import body, json_answers, json_body, routes
from modelwright.serve.service import tf_example
from modelwright.serve.service.access_log import AccessLog
from modelwright.serve.service.api_keys import Access
from modelwright.serve.service.descriptions import signature_json, status_json
from modelwright.serve.service.metrics import CONTENT_TYPE, LATENCY, Histogram
from modelwright.serve.service.service import Service, Target

METRICS_PATH = "/monitoring/prometheus/metrics"
_JSON = "application/json"
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TOO_LARGE = 413
_NOT_ALLOWED = 405
_SAFE = ("GET", "HEAD")

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class Reply:
    """A status, a body, its content type, and headers beside that."""

    status: int
    content: bytes = b""
    kind: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()


class RestApi:
    """The application of one worker."""

    def __init__(
        self,
        service: Service,
        access: Access,
        metrics: Callable[[], str],
        ready: Callable[[], bool],
        openapi: Callable[[], Mapping[str, Any]],
        log: AccessLog | None = None,
    ) -> None:
        """Take what it answers with.

        Args:
            service: the models.
            access: the keys.
            metrics: gives Prometheus' text.
            ready: whether every model answers.
            openapi: gives the description of this interface.
            log: where each request is told of, if anywhere.
        """
        self._service = service
        self._access = access
        self._metrics = metrics
        self._ready = ready
        self._openapi = openapi
        self._log = log
        self._histograms: dict[tuple[str, str], Histogram] = {}
        self._numbers = itertools.count()
        self._prefix = f"{os.getpid():x}-{int(time.time()):x}-"
        self.closing = False
        """Whether each answer asks the client to connect anew elsewhere."""

    async def __call__(self, scope: Mapping[str, Any], receive: body.Receive, send: Any) -> None:
        """Answer one request."""
        start = time.monotonic()
        headers = scope["headers"]
        given = next((value for name, value in headers if name == b"x-request-id"), b"")
        known = _REQUEST_ID.fullmatch(given)
        request = given if known else f"{self._prefix}{next(self._numbers):x}".encode()
        limits = self._service.limits
        try:
            async with asyncio.timeout(limits.seconds):
                reply = await self._answer(scope, receive, start + limits.seconds)
        except Refused as error:
            reply = _refusal(error)
        except TimeoutError:
            reply = _refusal(
                Refused("DEADLINE_EXCEEDED", f"The request took more than {limits.seconds:g} s.")
            )
        except body.Gone:
            return
        except Exception:  # noqa: BLE001 - logged; the client is told that it failed, not how
            _log.exception("a request could not be answered")
            reply = _refusal(Refused("INTERNAL", "The request could not be answered."))
        sent = [
            (b"content-type", reply.kind.encode()),
            (b"content-length", b"%d" % len(reply.content)),
            (b"x-request-id", request),
            *((name.encode(), value.encode("latin-1")) for name, value in reply.headers),
        ]
        if self.closing or reply.status in (_TOO_LARGE, HTTP["DEADLINE_EXCEEDED"]):
            # What is left of a body that was not read would be taken for the next request.
            sent.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        content = b"" if scope["method"] == "HEAD" else reply.content
        await send({"type": "http.response.body", "body": content})
        if self._log:
            self._log.write(scope, reply.status, request, time.monotonic() - start)

    async def _answer(self, scope: Any, receive: body.Receive, deadline: float) -> Reply:
        path: str = scope["raw_path"].decode("latin-1")
        method: str = scope["method"]
        if path[:4].lower() != "/v1/":
            return self._beside(method, path, scope["headers"])
        self._admit(scope["headers"])
        route = routes.find(method, path)
        start = time.monotonic()
        if route.kind in ("predict", "classify", "regress"):
            content = await body.read(scope["headers"], receive, self._service.limits.body)
            reply = await self._ask(route, content, deadline)
        else:
            reply = self._tell(route)
        self._histogram(route).add((time.monotonic() - start) * 1e6)
        return reply

    def _histogram(self, route: routes.Route) -> Histogram:
        key = route.kind, route.target.model
        found = self._histograms.get(key)
        if found is None:
            found = self._histograms[key] = self._service.metrics.histogram(
                LATENCY, model_name=key[1], API=key[0], entrypoint="REST"
            )
        return found

    async def _ask(self, route: routes.Route, content: bytes, deadline: float) -> Reply:
        limits = self._service.limits
        document = json_body.parse(content, depth=limits.depth)
        target = route.target
        if route.kind == "predict":
            asked = json_body.predict_tensors(
                document,
                lambda name: self._service.signature(_signed(target, name)),
                most=limits.elements,
            )
            answer = await self._service.predict(
                _signed(target, asked.signature_name), asked.inputs, deadline
            )
            text = json_answers.predictions(answer.outputs, row=asked.row)
            version = answer.version
        else:
            name, features = json_body.examples(document, most=limits.elements)
            examples = [tf_example.of_features(one) for one in features]
            if route.kind == "classify":
                classes = await self._service.classify(_signed(target, name), examples, deadline)
                text, version = json_answers.classifications(classes.rows), classes.version
            else:
                values = await self._service.regress(_signed(target, name), examples, deadline)
                text, version = json_answers.regressions(values.rows), values.version
        return Reply(200, text, headers=(("x-model-version", str(version)),))

    def _tell(self, route: routes.Route) -> Reply:
        target = route.target
        if route.kind == "list":
            return _json({"models": self._service.listed()})
        if route.kind == "status":
            versions = self._service.manager.status(target.model, target.version, target.label)
            return _json(status_json(versions))
        version, signatures = self._service.described(target)
        spec = {"name": target.model, "signature_name": "", "version": str(version.number)}
        metadata = {"signature_def": signature_json(signatures)}
        return _json({"model_spec": spec, "metadata": metadata})

    def _beside(self, method: str, path: str, headers: Any) -> Reply:
        """What is not TensorFlow Serving's: the page, health, metrics, the description."""
        answers: Mapping[str, Callable[[], Reply]] = {
            "/healthz": lambda: _json({"status": "alive"}),
            "/readyz": self._readiness,
            "/openapi.json": lambda: _json(self._openapi()),
            METRICS_PATH: lambda: self._measured(headers),
        }
        found = answers.get(path)
        asset = page.asset(path) if found is None else None
        if found is None and asset is None:
            return Reply(404)
        if method not in _SAFE:
            allowed = (("allow", ", ".join(_SAFE)),)
            message = {"error": f"{path} takes GET and HEAD; {method[:20]} was given."}
            return Reply(_NOT_ALLOWED, json.dumps(message).encode(), headers=allowed)
        if found is not None:
            return found()
        content, kind = asset or (b"", "")
        return Reply(200, content, kind, tuple(page.HEADERS.items()))

    def _readiness(self) -> Reply:
        ready = self._ready() and not self.closing
        word = "ready" if ready else "stopping" if self.closing else "loading"
        models = {
            name: [str(number) for number in model.available]
            for name, model in self._service.manager.models.items()
        }
        return _json({"status": word, "models": models}, 200 if ready else 503)

    def _measured(self, headers: Any) -> Reply:
        self._admit(headers)
        return Reply(200, self._metrics().encode(), CONTENT_TYPE)

    def _admit(self, headers: Any) -> None:
        if self._access.open:
            return
        given = next((value for name, value in headers if name == b"authorization"), None)
        self._access.admit(given.decode("utf-8", "replace") if given else None)


def _signed(target: Target, name: str) -> Target:
    return Target(target.model, target.version, target.label, name) if name else target


def _refusal(error: Refused) -> Reply:
    status = _TOO_LARGE if isinstance(error, body.TooLarge) else HTTP[error.code]
    headers: tuple[tuple[str, str], ...] = ()
    if error.retry_after is not None:
        headers = (("retry-after", str(math.ceil(error.retry_after))),)
    if status == HTTP["UNAUTHENTICATED"]:
        headers = (*headers, ("www-authenticate", "Bearer"))
    return _json({"error": error.message}, status, headers)


def _json(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(
        status, json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), _JSON, headers
    )
