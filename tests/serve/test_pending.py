"""The bound on the bytes of all requests that a worker holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import GrpcError, InProcessServer

from modelwright.serve.config import RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.service.pending import Pending
from modelwright.wire import messages


def test_bytes_are_counted_until_the_request_ends() -> None:
    pending = Pending(10)
    with pending.lease() as one:
        one.take(6)
        with pytest.raises(Refused, match="--max-pending") as caught, pending.lease() as other:
            other.take(5)
        assert (caught.value.code, caught.value.retry_after) == ("UNAVAILABLE", 1.0)
        one.take(4)
        assert pending.held == 10
    assert pending.held == 0
    assert RequestLimits(body=100).pending_bytes == 1600


def test_both_protocols_refuse_a_request_that_does_not_fit_beside_the_others(
    tmp_path: Path,
) -> None:
    server = InProcessServer(tmp_path, limits=RequestLimits(body=100, pending=100))
    body = b'{"instances": [2]}'
    try:
        with server.service.pending.lease() as others:
            others.take(90)
            parts = [body[:9], body[9:]]
            for sent in (body, parts):
                reply = server.send("POST", "/v1/models/half:predict", sent)
                assert (reply.status, reply.headers["retry-after"]) == (503, "1")
            with pytest.raises(GrpcError, match="UNAVAILABLE: .*--max-pending"):
                server.call(
                    "GetModelMetadata",
                    messages.GetModelMetadataRequest.FromString(
                        b"\n\x06\n\x04half\x12\rsignature_def"
                    ),
                )
        assert server.send("POST", "/v1/models/half:predict", body).status == 200
        assert server.service.pending.held == 0
    finally:
        server.close()
