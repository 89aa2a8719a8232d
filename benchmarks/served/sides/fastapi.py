"""FastAPI under uvicorn, with the ONNX file or, where asked, the SavedModel through TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from served.sides import row


class Body(BaseModel):
    """What a request holds."""

    instances: list[dict[str, Any]]


def application(folder: Path, engine: str) -> FastAPI:
    """One route, which FastAPI runs in its pool of threads."""
    model = row.saved_model(folder) if engine == "savedmodel" else row.Bare(folder)
    app = FastAPI()

    @app.post("/predict")
    def predict(body: Body) -> dict[str, Any]:
        return {"predictions": [model(row.read(instance)) for instance in body.instances]}

    return app


if __name__ == "__main__":
    made = application(Path(sys.argv[1]), sys.argv[3])
    uvicorn.run(made, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error")
