"""LitServe: an ordinary LitAPI with the same ONNX file and the same preparation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve

from served.sides import row


class Api(litserve.LitAPI):
    """The four hooks."""

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self.model = row.Bare(Path(sys.argv[1]))

    def decode_request(self, request):
        """The text or the picture. An annotation would have LitServe validate it."""
        return row.read(request["instances"][0])

    def predict(self, x: str | bytes) -> row.Answer:
        """The answer for one row."""
        return self.model(x)

    def encode_response(self, output: row.Answer) -> dict[str, Any]:
        """As the others write it."""
        return {"predictions": [output]}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[2]),
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
