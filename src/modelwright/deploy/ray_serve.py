"""One Ray Serve application per model, which runs the model with Modelwright's own engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.deploy.models import DeployableModel
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill_template, yaml_quoted

_CONFIG = "serve_config.yaml"
_APPLICATION = "serve_app.py"


def ray_files(
    models: Sequence[DeployableModel], folder: Path, options: DeployOptions
) -> dict[str, str]:
    """Returns the content of both files by their names."""
    base = options.nodes_path.rstrip("/") if options.nodes_path else folder.resolve().as_posix()
    least, most = options.between(1, 4)
    applications = [
        fill_template(
            "serve_application.yaml",
            {
                "name": model.name,
                "folder": yaml_quoted(f"{base}/{model.name}"),
                "least": least,
                "most": most,
            },
        )
        for model in models
    ]
    return {
        _CONFIG: fill_template(_CONFIG) + "".join(applications),
        _APPLICATION: fill_template(_APPLICATION),
    }
