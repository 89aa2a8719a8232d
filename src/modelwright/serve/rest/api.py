"""The REST interface as one ASGI application: routing, API keys, time limits, the access log.

It uses no web framework, because a framework takes longer for a request than the models here do.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from modelwright.serve import page
from modelwright.serve.config import Site
from modelwright.serve.errors import HTTP, Refused
from modelwright.serve.explanation.explanations import Explanations
from modelwright.serve.rest.body import ClientGone, Receive
from modelwright.serve.rest.client import client_of
from modelwright.serve.rest.cors import Cors
from modelwright.serve.rest.handlers import RestHandlers, RestRequest
from modelwright.serve.rest.reply import (
    TOO_LARGE,
    Reply,
    not_allowed_reply,
    refusal_reply,
)
from modelwright.serve.rest.route import Route
from modelwright.serve.rest.routes import ROUTES, RouteMatch, allowed_methods, find_route
from modelwright.serve.service.access_log import AccessLog
from modelwright.serve.service.answers import Target
from modelwright.serve.service.api_keys import Access
from modelwright.serve.service.metrics import LATENCY, Histogram
from modelwright.serve.service.service import Service

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_FILE_METHODS = ("GET", "HEAD")
_NO_CONTENT = 204
_ROOT = Site()
_GONE = HTTP["CANCELLED"]
_GRACE = 0.05
_UNREAD = (TOO_LARGE, HTTP["DEADLINE_EXCEEDED"])

Handler = Callable[[RestRequest], Awaitable[Reply]]

_log = logging.getLogger("modelwright.serve")


class RestApi:
    """The ASGI application of one worker."""

    def __init__(
        self,
        service: Service,
        access: Access,
        metrics: Callable[[], str],
        ready: Callable[[], bool],
        log: AccessLog | None = None,
        site: Site = _ROOT,
        explanations: Explanations | None = None,
    ) -> None:
        """Connects the routes to their handlers.

        Args:
            service: the models.
            access: the API keys.
            metrics: returns Prometheus' text.
            ready: whether the server is ready for requests.
            log: gets a line for each request.
            site: the prefix of paths, and the other sites that may call.
            explanations: explains answers; None if the server does not.
        """
        self._service = service
        self._access = access
        self._log = log
        self._cors = Cors(site.cors_origins) if site.cors_origins else None
        self._root_path = site.root_path
        self._handlers = RestHandlers(service, metrics, ready, site.root_path, explanations)
        self._by_name: dict[str, Handler] = {
            route.name: getattr(self._handlers, route.handler) for route in ROUTES
        }
        self._histograms: dict[tuple[str, str], Histogram] = {}
        self._numbers = itertools.count()
        self._prefix = f"{os.getpid():x}-{int(time.time()):x}-"

    def stop(self) -> None:
        """Asks each client, with its next answer, to open a new connection elsewhere."""
        self._handlers.stopping = True

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Any) -> None:
        """Answers one request; ends it if its client leaves."""
        client = client_of(scope)
        start = time.monotonic()
        try:
            if client:
                client.task = asyncio.current_task()
            await self._respond(scope, receive, send, start)
        except ClientGone:
            self._write_log(scope, _GONE, start)
        except asyncio.CancelledError:
            if client is None or not client.gone:
                raise
            self._write_log(scope, _GONE, start)
        finally:
            if client:
                client.task = None

    async def _respond(
        self, scope: Mapping[str, Any], receive: Receive, send: Any, start: float
    ) -> None:
        limits = self._service.limits
        try:
            # The runner keeps the deadline exactly; this also ends a body that does not arrive.
            async with asyncio.timeout(limits.seconds + _GRACE):
                reply = await self._answer(scope, receive, start + limits.seconds)
        except Refused as error:
            reply = refusal_reply(error)
        except TimeoutError:
            reply = refusal_reply(
                Refused("DEADLINE_EXCEEDED", f"The request took more than {limits.seconds:g} s.")
            )
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - logged; the client learns that it failed, not how
            _log.exception("a request could not be answered")
            reply = refusal_reply(Refused("INTERNAL", "The request could not be answered."))
        request_id = self._request_id(scope["headers"])
        await self._send(reply, request_id, send, scope)
        if self._log:
            self._log.write(scope, reply.status, request_id, time.monotonic() - start)

    def _write_log(self, scope: Mapping[str, Any], status: int, start: float) -> None:
        """Adds a line for a request that got no answer."""
        if self._log:
            request_id = self._request_id(scope["headers"])
            self._log.write(scope, status, request_id, time.monotonic() - start)

    async def _send(self, reply: Reply, request_id: bytes, send: Any, scope: Any) -> None:
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", b"%d" % len(reply.content)),
            (b"x-request-id", request_id),
            *((name.encode(), value.encode("latin-1")) for name, value in reply.headers),
        ]
        if reply.status == _NO_CONTENT:
            headers = headers[2:]
        if self._cors:
            headers += self._cors.headers(scope["headers"])
        if self._handlers.stopping or _leaves_a_body(reply.status, scope["headers"]):
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        content = reply.content if scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Any, receive: Receive, deadline: float) -> Reply:
        path: str = scope["raw_path"].decode("latin-1")
        method: str = scope["method"]
        headers = scope["headers"]
        if self._root_path and path.startswith(self._root_path):
            path = path.removeprefix(self._root_path)
            if not path:
                return Reply(308, headers=(("location", f"{self._root_path}/"),))
            if not path.startswith("/"):  # another path that begins alike
                path = scope["raw_path"].decode("latin-1")
        if method == "OPTIONS" and (methods := allowed_methods(path) or _file_methods(path)):
            allowed = ("allow", ", ".join((*methods, "OPTIONS")))
            cross = self._cors.preflight(headers, methods) if self._cors else ()
            return Reply(_NO_CONTENT, headers=(allowed, *cross))
        try:
            match = find_route(method, path)
        except Refused:
            # A client without a key does not learn which paths exist.
            self._check_key(headers)
            raise
        if match is None:
            return await self._answer_with_file(method, path, receive)
        if method not in match.route.methods:
            return not_allowed_reply(method, path, match.route.methods)
        if match.route.key:
            self._check_key(headers)
        request = RestRequest(path, match.target, headers, receive, deadline)
        return await self._run(match, request)

    async def _run(self, match: RouteMatch, request: RestRequest) -> Reply:
        start = time.monotonic()
        reply = await self._by_name[match.route.name](request)
        if match.route.measured_as:
            histogram = self._histogram(match.route, match.target)
            histogram.add((time.monotonic() - start) * 1e6)
        return reply

    async def _answer_with_file(self, method: str, path: str, receive: Receive) -> Reply:
        """Answers with a file under ``/page/``, which the web page loads."""
        if page.asset(path) is None:
            return Reply(404)
        if method not in _FILE_METHODS:
            return not_allowed_reply(method, path, _FILE_METHODS)
        request = RestRequest(path, Target(""), (), receive, 0.0)
        return await self._handlers.page_file(request)

    def _check_key(self, headers: Any) -> None:
        if self._access.open:
            return
        value = next((value for name, value in headers if name == b"authorization"), None)
        self._access.admit(value.decode("utf-8", "replace") if value else None)

    def _request_id(self, headers: Any) -> bytes:
        """Returns the client's name for the request, if it is a valid one, or a new name."""
        sent = next((value for name, value in headers if name == b"x-request-id"), b"")
        if _REQUEST_ID.fullmatch(sent):
            return bytes(sent)
        return f"{self._prefix}{next(self._numbers):x}".encode()

    def _histogram(self, route: Route, target: Target) -> Histogram:
        key = route.measured_as, target.model
        histogram = self._histograms.get(key)
        if histogram is None:
            histogram = self._service.metrics.histogram(
                LATENCY, model_name=target.model, API=route.measured_as, entrypoint="REST"
            )
            self._histograms[key] = histogram
        return histogram


def _file_methods(path: str) -> tuple[str, ...]:
    return _FILE_METHODS if page.asset(path) else ()


def _leaves_a_body(status: int, headers: Any) -> bool:
    """Whether the connection cannot go on: the rest of a body may still come, or may never."""
    if status in _UNREAD:
        return True
    # A client that waits for "100 Continue" may send its body after an error, or leave it out.
    return status >= HTTP["INVALID_ARGUMENT"] and any(name == b"expect" for name, _ in headers)
