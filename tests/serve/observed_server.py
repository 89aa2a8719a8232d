"""A server without sockets over small exported servables, whose answers are observed."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from in_process import InProcessServer
from server_process import Reply

from modelwright.monitoring.quantities import QUANTITIES, edges_of
from modelwright.monitoring.reference import Histogram, Reference
from modelwright.serve.lifecycle.loading import LoadedVersion, load_version
from modelwright.serve.service.answered import Observer
from modelwright.wire import messages, tensors

TEXT_VALUES = {
    "confidence": [0.9, 0.95, 0.99, 0.999],
    "unknown": [0.0, 0.0, 0.25, 0.25],
    "length": [10.0, 20.0, 20.0, 30.0],
}


def text_reference(classes: tuple[int, int] = (1, 3)) -> bytes:
    """The content of ``reference.json`` for the classifier of good and bad words."""
    reference = Reference(
        task="text",
        labels=("neg", "pos"),
        rows=4,
        split="test",
        class_counts=np.array(classes),
        confusion=np.diag(classes),
        quantities={
            name: Histogram.of(np.array(TEXT_VALUES[name]), edges_of(name))
            for name in QUANTITIES["text"]
        },
    )
    return json.dumps(reference.to_dict()).encode()


class ObservedServer(InProcessServer):
    """A server of copies of exported servables, and of the fake model ``half``."""

    def add(self, servable: Path, model: str, number: int = 1) -> None:
        """Adds a version, which answers at once."""
        hidden = self.root / f".{model}-{number}"
        shutil.copytree(servable, hidden)
        (self.root / model).mkdir(exist_ok=True)
        hidden.rename(self.root / model / str(number))
        self.look()

    def observe(self, *observers: Observer) -> None:
        """Shows every further answer to these."""
        self.service._observers = observers

    def predict(self, model: str, *rows: str | bytes, version: int | None = None) -> Reply:
        """Asks about texts or images over REST."""
        instances = [
            row if isinstance(row, str) else {"b64": base64.b64encode(row).decode()} for row in rows
        ]
        path = f"/v1/models/{model}" + (f"/versions/{version}" if version else "")
        return self.send("POST", f"{path}:predict", json.dumps({"instances": instances}).encode())

    def predict_over_grpc(self, model: str, *rows: str, key: str = "input_text") -> Any:
        """Asks about texts over gRPC, for the label alone."""
        request = messages.PredictRequest()
        request.model_spec.name = model
        request.output_filter.append("label")
        values = np.array([row.encode() for row in rows], object)
        tensors.to_proto(values, request.inputs[key])
        return messages.PredictResponse.FromString(self.call("Predict", request))

    def classify(self, model: str, *rows: str) -> Reply:
        """Classifies examples over REST."""
        body = {"examples": [{"input_text": row} for row in rows]}
        return self.send("POST", f"/v1/models/{model}:classify", json.dumps(body).encode())

    def _load(self, folder: Path, *rest: object) -> LoadedVersion:
        if (folder / "modelwright.json").exists():
            return load_version(folder, self.root)
        return super()._load(folder, *rest)
