"""Modelwright: labelled pictures or texts in, a small, verified, deployable classifier out.

    import modelwright as mw

    report = mw.train(data={"source": "imdb"}, model={"recipe": "bilstm"})
    print(mw.evaluate(report.run).render())
    exported = mw.export(report.run, "models/sentiment")
    print(mw.load(exported.servable).predict(["A waste of two hours."]))

Names are resolved when they are first used, so that importing the package is instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Classifier",
    "Limits",
    "Measuring",
    "ModelwrightError",
    "benchmark",
    "compare",
    "evaluate",
    "export",
    "fetch",
    "inspect_data",
    "layers",
    "list_recipes",
    "load",
    "load_data",
    "quantize",
    "reproduce",
    "resume",
    "rollback",
    "show_recipe",
    "train",
    "verify",
    "versions",
]

_LIGHT = {
    "Limits": "modelwright.bundle.choice",
    "Measuring": "modelwright.bundle.quantize",
    "ModelwrightError": "modelwright.core.errors",
    "benchmark": "modelwright.bundle.benchmark",
    "fetch": "modelwright.data.named.fetch",
    "inspect_data": "modelwright.data.inspection",
    "list_recipes": "modelwright.recipes.listing",
    "load": "modelwright.bundle.predictor",
    "load_data": "modelwright.data.load",
    "quantize": "modelwright.bundle.quantize",
    "reproduce": "modelwright.studies.reproduce",
    "rollback": "modelwright.serve.versions",
    "show_recipe": "modelwright.recipes.listing",
    "verify": "modelwright.bundle.verify",
    "versions": "modelwright.serve.versions",
}
_HEAVY = {
    "Classifier": "modelwright.api.classifier",
    "compare": "modelwright.studies.compare",
    "evaluate": "modelwright.engine.evaluate",
    "export": "modelwright.bundle.export",
    "layers": "modelwright.engine.layers",
    "resume": "modelwright.engine.train",
    "train": "modelwright.api.train",
}

if TYPE_CHECKING:
    from modelwright.api.classifier import Classifier
    from modelwright.api.train import train
    from modelwright.bundle.benchmark import benchmark
    from modelwright.bundle.choice import Limits
    from modelwright.bundle.export import export
    from modelwright.bundle.predictor import load
    from modelwright.bundle.quantize import Measuring, quantize
    from modelwright.bundle.verify import verify
    from modelwright.core.errors import ModelwrightError
    from modelwright.data.inspection import inspect_data
    from modelwright.data.load import load_data
    from modelwright.data.named.fetch import fetch
    from modelwright.engine.evaluate import evaluate
    from modelwright.engine.layers import layers
    from modelwright.engine.train import resume
    from modelwright.recipes.listing import list_recipes, show_recipe
    from modelwright.serve.versions import rollback, versions
    from modelwright.studies.compare import compare
    from modelwright.studies.reproduce import reproduce


def __getattr__(name: str) -> Any:
    import importlib

    if name in _HEAVY:
        from modelwright.core.backend import load_keras

        load_keras()
    elif name not in _LIGHT:
        raise AttributeError(f"module 'modelwright' has no attribute '{name}'")
    return getattr(importlib.import_module({**_LIGHT, **_HEAVY}[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
