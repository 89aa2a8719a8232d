"""Modelwright turns labeled images or texts into a small, verified, deployable classifier.

    import modelwright as mw

    report = mw.train(data={"source": "imdb"}, model={"recipe": "bilstm"})
    print(mw.evaluate(report.run).render())
    exported = mw.export(report.run, "models/sentiment")
    print(mw.load(exported.servable).predict(["A waste of two hours."]))

A name is resolved when it is first used, so importing the package loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Classifier",
    "Measuring",
    "ModelwrightError",
    "QuantizationLimits",
    "audit",
    "benchmark",
    "compare",
    "distill",
    "drift",
    "evaluate",
    "evaluate_explanations",
    "explain",
    "export",
    "fetch",
    "fetch_backbone",
    "inspect_data",
    "layers",
    "list_backbones",
    "list_recipes",
    "load",
    "load_data",
    "predict_file",
    "quantize",
    "report",
    "reproduce",
    "resume",
    "rollback",
    "show_backbone",
    "show_recipe",
    "stream",
    "summarize_explanations",
    "train",
    "tune",
    "update",
    "verify",
    "versions",
]

_LIGHT = {
    "Measuring": "modelwright.quantization.quantize",
    "ModelwrightError": "modelwright.core.errors",
    "QuantizationLimits": "modelwright.quantization.selection",
    "benchmark": "modelwright.servable.benchmark",
    "drift": "modelwright.api.drift",
    "evaluate_explanations": "modelwright.api.evaluate_explanations",
    "explain": "modelwright.api.explain",
    "fetch": "modelwright.data.named.fetch",
    "fetch_backbone": "modelwright.backbones.backbone_list",
    "inspect_data": "modelwright.data.inspection",
    "list_backbones": "modelwright.backbones.backbone_list",
    "list_recipes": "modelwright.recipes.recipe_list",
    "load": "modelwright.servable.predictor:load_predictor",
    "load_data": "modelwright.data.load",
    "predict_file": "modelwright.scoring.predict_file",
    "quantize": "modelwright.quantization.quantize",
    "report": "modelwright.reporting.report",
    "reproduce": "modelwright.publish.reproduce",
    "rollback": "modelwright.servable.versions",
    "show_backbone": "modelwright.backbones.backbone_list",
    "show_recipe": "modelwright.recipes.recipe_list",
    "summarize_explanations": "modelwright.api.summarize_explanations",
    "tune": "modelwright.tuning.tune",
    "verify": "modelwright.servable.verify",
    "versions": "modelwright.servable.versions",
}
_HEAVY = {
    "Classifier": "modelwright.api.classifier",
    "audit": "modelwright.auditing.audit",
    "compare": "modelwright.studies.compare",
    "distill": "modelwright.api.distill",
    "evaluate": "modelwright.training.evaluate",
    "export": "modelwright.exporting.export",
    "layers": "modelwright.training.feature_maps",
    "resume": "modelwright.training.train",
    "stream": "modelwright.streams.stream",
    "train": "modelwright.api.train",
    "update": "modelwright.updating.update",
}

if TYPE_CHECKING:
    from modelwright.api.classifier import Classifier
    from modelwright.api.distill import distill
    from modelwright.api.drift import drift
    from modelwright.api.evaluate_explanations import evaluate_explanations
    from modelwright.api.explain import explain
    from modelwright.api.summarize_explanations import summarize_explanations
    from modelwright.api.train import train
    from modelwright.auditing.audit import audit
    from modelwright.backbones.backbone_list import (
        fetch_backbone,
        list_backbones,
        show_backbone,
    )
    from modelwright.core.errors import ModelwrightError
    from modelwright.data.inspection import inspect_data
    from modelwright.data.load import load_data
    from modelwright.data.named.fetch import fetch
    from modelwright.exporting.export import export
    from modelwright.publish.reproduce import reproduce
    from modelwright.quantization.quantize import Measuring, quantize
    from modelwright.quantization.selection import QuantizationLimits
    from modelwright.recipes.recipe_list import list_recipes, show_recipe
    from modelwright.reporting.report import report
    from modelwright.scoring.predict_file import predict_file
    from modelwright.servable.benchmark import benchmark
    from modelwright.servable.predictor import load_predictor as load
    from modelwright.servable.verify import verify
    from modelwright.servable.versions import rollback, versions
    from modelwright.streams.stream import stream
    from modelwright.studies.compare import compare
    from modelwright.training.evaluate import evaluate
    from modelwright.training.feature_maps import layers
    from modelwright.training.train import resume
    from modelwright.tuning.tune import tune
    from modelwright.updating.update import update


def __getattr__(name: str) -> Any:
    import importlib

    if name in _HEAVY:
        from modelwright.core.backend import load_keras

        load_keras()
    elif name not in _LIGHT:
        raise AttributeError(f"module 'modelwright' has no attribute '{name}'")
    module, _, attribute = {**_LIGHT, **_HEAVY}[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
