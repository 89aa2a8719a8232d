"""What a training needs of a pretrained backbone: its weights, and the features of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from modelwright.backbones.feature_cache import Digests, FeatureCache
from modelwright.backbones.features import compute_features, feature_kind
from modelwright.backbones.load import load_backbone
from modelwright.core.types import FloatArray, IntArray, Progress, Rows, Split, UInt8Array
from modelwright.models.builders import check_options
from modelwright.models.options import PretrainedOptions
from modelwright.models.output_layer import two_columns
from modelwright.models.pretrained import backbone_of, backbone_side, feature_network
from modelwright.runs.run import Run


def start_backbone(
    run: Run,
    network: keras.Model,
    progress: Progress | None,
    known: Mapping[str, Any] | None = None,
) -> Run:
    """Sets the weights of a network's backbone to the published ones, and records which.

    Args:
        run: the run.
        network: its network.
        progress: called while the weights are read.
        known: the record of the backbone in a model whose weights are copied afterward, so that
            the published ones are not needed; None or empty without one.

    Raises:
        ConfigError: The backbone is unknown, or takes no images of that size.
        DataError: Its weights were found nowhere, or are not the published ones.
    """
    options = check_options(run.model)
    if known and known.get("name") == options.backbone:
        return run.update(backbone=dict(known))
    backbone = load_backbone(
        options.backbone,
        folder=Path(options.folder) if options.folder else None,
        side=backbone_side(options, run.input_shape),
        progress=progress,
    )
    backbone_of(network).set_weights(backbone.network.get_weights())
    return run.update(backbone=backbone.record)


def note_fixed_epochs(run: Run) -> Run:
    """Records the note that no rows choose the best epoch of a fine-tuning."""
    note = (
        f"no validation rows are held out, so all {run.config.train.epochs} epochs after the solved"
        " layer are trained and the last one is taken; data.val=0.1 holds out rows that choose the"
        " best"
    )
    return run.add_note(note)


@dataclass(frozen=True)
class HeadClassifier:
    """Answers rows of features ``[n, d]`` with the last layer of a network."""

    network: keras.Model

    def classify_rows(self, rows: Any, progress: Progress | None = None) -> FloatArray:
        """Returns class probabilities, float32 ``[n, classes]``."""
        outputs = self.network.layers[-1](keras.ops.convert_to_tensor(rows))
        return two_columns(keras.ops.convert_to_numpy(outputs))


def features_of(
    run: Run, network: keras.Model, split: Split, progress: Progress | None = None
) -> FloatArray:
    """Returns the features of rows, ``[views, n, d]``, from the cache where they are known."""
    exact = _in_float32(run, network)
    return views_of(check_options(run.model), exact, split.inputs, split.digests, progress)


def views_of(
    options: PretrainedOptions,
    network: keras.Model,
    rows: Rows,
    digests: Digests | None,
    progress: Progress | None = None,
) -> FloatArray:
    """Returns the features of images and of the changed copies that the options ask for.

    Args:
        options: The builder's options.
        network: A network of the builder, in float32.
        rows: The images.
        digests: Their content hashes ``[n, 2]``, by which known features are found in the cache.
        progress: Called after every batch.

    Returns:
        Float32 ``[views, n, d]``; the first view are the images themselves.
    """
    shape = network.input_shape[1:]
    kind = feature_kind(backbone_of(network), shape)
    views: dict[str, Any] = {kind: None}
    if options.augment == "flip":
        views[f"{kind}-mirrored"] = _mirror
    features = feature_network(network)
    return np.stack([
        compute_features(
            features, rows, side=backbone_side(options, shape), digests=digests,
            cache=FeatureCache(name), change=change, progress=progress,
        )
        for name, change in views.items()
    ])  # fmt: skip


def _in_float32(run: Run, network: keras.Model) -> keras.Model:
    """Returns the network in float32. A step may have less precision, features are kept."""
    if run.precision.get("policy", "float32") == "float32":
        return network
    exact = run.network("float32", weights=False)
    backbone_of(exact).set_weights(backbone_of(network).get_weights())
    return exact


def measure_head(network: keras.Model, features: FloatArray, labels: IntArray) -> dict[str, float]:
    """Returns accuracy and loss of a network on the features of rows, ``[n, d]``."""
    answers = HeadClassifier(network).classify_rows(features)
    right = np.clip(answers[np.arange(len(labels)), labels], keras.config.epsilon(), 1)
    return {
        "accuracy": float((answers.argmax(axis=1) == labels).mean()),
        "loss": float(-np.log(right).mean()),
    }


def _mirror(images: UInt8Array) -> UInt8Array:
    return images[:, :, ::-1]
