"""A Ray Serve application a model, run by the engine that runs servables everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.core.errors import ServableError
from modelwright.deploy.models import Model
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill, quoted

_CONFIG = "serve_config.yaml"
_APPLICATION = "serve_app.py"


def files(
    models: Sequence[Model], folder: Path, options: DeployOptions
) -> tuple[dict[str, str], list[str]]:
    """Both files by their names, and what to know of them.

    Raises:
        ServableError: no model has a manifest, without which the engine cannot run it.
    """
    own = [model for model in models if model.own]
    if not own:
        raise ServableError(
            f"no model in {folder} has a manifest; expected servables of 'modelwright export',"
            " which the application answers from without TensorFlow."
        )
    base = options.nodes_path.rstrip("/") if options.nodes_path else folder.resolve().as_posix()
    least, most = options.between(1, 4)
    applications = [
        fill(
            "serve_application.yaml",
            {
                "name": model.name,
                "folder": quoted(f"{base}/{model.name}"),
                "least": least,
                "most": most,
            },
        )
        for model in own
    ]
    notes = [
        f"{model.name} is left out: without a manifest, the engine cannot run it."
        for model in models
        if not model.own
    ]
    return {
        _CONFIG: fill(_CONFIG) + "".join(applications),
        _APPLICATION: fill(_APPLICATION),
    }, notes
