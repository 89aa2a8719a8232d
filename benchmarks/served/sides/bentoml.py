"""BentoML: an ordinary service of one worker, with the same ONNX file and preparation."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bentoml

from served.sides import row

FOLDER = "SERVED_FOLDER"


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Service:
    """Loads the model in its worker."""

    def __init__(self) -> None:
        self.model = row.Bare(Path(os.environ[FOLDER]))

    @bentoml.api
    def predict(self, instances: list[dict[str, Any]]) -> dict[str, Any]:
        """One answer for each row."""
        return {"predictions": [self.model(row.read(instance)) for instance in instances]}


if __name__ == "__main__":
    program = str(Path(sys.executable).with_name("bentoml"))
    environment = {**os.environ, FOLDER: sys.argv[1], "BENTOML_DO_NOT_TRACK": "1"}
    service = "served.sides.bentoml:Service"
    arguments = ["serve", service, "--host", "127.0.0.1", "--port", sys.argv[2]]
    os.execve(program, [program, *arguments], environment)  # noqa: S606 - no shell is meant
