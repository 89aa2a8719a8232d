"""What a training needs of a pretrained backbone: its weights, and the features of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.backbones.feature_cache import FeatureCache
from modelwright.backbones.features import compute_features
from modelwright.backbones.load import load_backbone
from modelwright.core.types import FloatArray, Progress, Split, UInt8Array
from modelwright.models.builders import check_options
from modelwright.models.output_layer import two_columns
from modelwright.models.pretrained import backbone_of, backbone_side, feature_network
from modelwright.runs.run import Run


def start_backbone(run: Run, network: keras.Model, progress: Progress | None) -> dict[str, Any]:
    """Sets the weights of a network's backbone to the published ones. Returns their record.

    Raises:
        ConfigError: The backbone is unknown, or takes no images of that size.
        DataError: Its weights were found nowhere, or are not the published ones.
    """
    options = check_options(run.model)
    backbone = load_backbone(
        options.backbone,
        folder=Path(options.folder) if options.folder else None,
        side=backbone_side(options, run.input_shape),
        progress=progress,
    )
    backbone_of(network).set_weights(backbone.network.get_weights())
    return backbone.record


@dataclass(frozen=True)
class FeatureSource:
    """Computes features of a run's rows, or finds those that were computed before."""

    run: Run
    network: keras.Model
    """The run's network with the weights of its backbone."""
    record: dict[str, Any]
    """What identifies those weights, from ``start_backbone``."""

    def features(self, split: Split, progress: Progress | None = None) -> FloatArray:
        """Returns the features of the rows, float32 ``[views, n, d]``, in full precision."""
        options = check_options(self.run.model)
        network = feature_network(self._exact())
        size = "x".join(map(str, self.run.input_shape))
        side = backbone_side(options, self.run.input_shape)
        kind = f"{options.backbone}-{self.record['sha256'][:16]}-{side}-{size}"
        views = {kind: None, **({f"{kind}-mirrored": _mirror} if options.augment == "flip" else {})}
        return np.stack([
            compute_features(
                network, split.inputs, side=side, digests=split.digests, cache=FeatureCache(name),
                change=change, progress=progress,
            )
            for name, change in views.items()
        ])  # fmt: skip

    def _exact(self) -> keras.Model:
        """Returns the network in float32. A step may take less, features are computed once."""
        if self.run.precision.get("policy", "float32") == "float32":
            return self.network
        exact = self.run.network("float32", weights=False)
        backbone_of(exact).set_weights(backbone_of(self.network).get_weights())
        return exact


@dataclass(frozen=True)
class HeadClassifier:
    """Answers rows of features ``[n, d]`` with the last layer of a network."""

    network: keras.Model

    def classify_rows(self, rows: Any, progress: Progress | None = None) -> FloatArray:
        """Returns class probabilities, float32 ``[n, classes]``."""
        outputs = self.network.layers[-1](keras.ops.convert_to_tensor(rows))
        return two_columns(keras.ops.convert_to_numpy(outputs))


def solved_metrics(
    classifier: HeadClassifier, features: FloatArray, labels: Any
) -> dict[str, float]:
    """Returns accuracy and loss of the last layer on features ``[n, d]``."""
    answers = classifier.classify_rows(features)
    right = np.clip(answers[np.arange(len(labels)), labels], keras.config.epsilon(), 1)
    return {
        "accuracy": float((answers.argmax(axis=1) == labels).mean()),
        "loss": float(-np.log(right).mean()),
    }


def _mirror(images: UInt8Array) -> UInt8Array:
    return images[:, :, ::-1]
