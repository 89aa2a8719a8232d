"""The features of images: the outputs of a backbone, computed once for each image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from modelwright.backbones.feature_cache import Digests, FeatureCache
from modelwright.core.types import FloatArray, IntArray, Progress, Rows, UInt8Array

_BATCH = 32
_USUAL_PIXELS = 160 * 160
_STORED = 256
"""Images whose features are stored in one file: what a stopped training loses at most."""


def feature_kind(backbone: keras.Model, shape: Sequence[int | None]) -> str:
    """Returns what features depend on besides the image, as the name of a folder of the cache.

    Args:
        backbone: The network with its weights. Other weights are another kind.
        shape: Shape of the images before they are enlarged.
    """
    state = hashlib.blake2b(digest_size=8)
    for weight in backbone.get_weights():
        state.update(np.ascontiguousarray(weight).data)
    side, features = backbone.input_shape[1], backbone.output_shape[-1]
    images = "x".join(map(str, shape))
    return f"{backbone.name}-{state.hexdigest()}-{side}-{images}-{features}"


def compute_features(
    network: keras.Model,
    rows: Rows,
    *,
    side: int,
    digests: Digests | None = None,
    cache: FeatureCache | None = None,
    change: Callable[[UInt8Array], UInt8Array] | None = None,
    progress: Progress | None = None,
) -> FloatArray:
    """Returns the features of rows, float32 ``[n, d]``.

    Args:
        network: Maps uint8 images ``[n, h, w, c]`` to features ``[n, d]``.
        rows: The images.
        side: Side at which the backbone reads images. Large ones go through it a few at a time.
        digests: Their content hashes ``[n, 2]``; None if they are unknown.
        cache: Where features are looked up and stored, if there are hashes.
        change: Changes the images first, for example mirrors them.
        progress: Called after every batch.
    """
    features: FloatArray = np.zeros((len(rows), network.output_shape[-1]), np.float32)
    missing: IntArray = np.arange(len(rows))
    if cache and digests is not None:
        stored, found = cache.read(digests)
        if stored is not None and stored.shape == features.shape:
            features, missing = stored, np.flatnonzero(~found)
    done = len(rows) - len(missing)
    batch = max(1, min(_BATCH, _BATCH * _USUAL_PIXELS // (side * side)))
    for start in range(0, len(missing), _STORED):
        block = missing[start : start + _STORED]
        for positions, values in _batches(network, rows, block, batch, change):
            features[positions] = values
            done += len(positions)
            if progress:
                progress("computing features", done, len(rows))
        if cache and digests is not None:
            try:
                cache.write(digests[block], features[block])
            except OSError:  # a full or read-only disk: the features are here all the same
                cache = None
    return features


def _batches(
    network: keras.Model,
    rows: Rows,
    block: IntArray,
    size: int,
    change: Callable[[UInt8Array], UInt8Array] | None,
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yields positions and their features. All batches have one size, so none is compiled twice."""
    for start in range(0, len(block), size):
        positions = block[start : start + size]
        images = rows.take(np.resize(positions, size))
        values = network.predict_on_batch(change(images) if change else images)
        yield positions, np.asarray(values, np.float32)[: len(positions)]
