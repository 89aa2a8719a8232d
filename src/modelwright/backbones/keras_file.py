"""Fills a network of ``keras.applications`` from a local file of weights.

Read are the ``.h5`` files that Keras publishes and the ``.weights.h5`` files that
``network.save_weights`` writes. Both are HDF5 files of numbers; no layer, function or setting is
built from them. Keras refuses entries that point to another file. A ``.keras`` file describes a
whole model and is refused here.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
import numpy as np

from modelwright.core.errors import DataError, brief

_DAMAGE = (
    *(UserWarning, OSError, ValueError, KeyError),
    *(TypeError, RuntimeError, AttributeError, IndexError),
)
_SAVE = "save the weights alone with network.save_weights('NAME.weights.h5')"


def fill_from_keras_file(network: keras.Model, path: Path) -> None:
    """Sets all weights of a network.

    Raises:
        DataError: The file has another format, is broken, links to other files, or has the
            weights of another network, or values that are not finite.
    """
    if path.suffix == ".keras" or not path.name.endswith((".h5", ".hdf5")):
        raise DataError(
            f"{path} is no file of weights alone; expected a name that ends with .h5 or "
            f".weights.h5. From a model in memory, {_SAVE}."
        )
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that are not in the file, and leaves their weights random.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(path)
    except _DAMAGE as error:
        raise DataError(
            f"{path} cannot be read as the weights of {network.name}: "
            f"{brief(error).rstrip('.:')}. Expected the file of keras.applications without its "
            f"last layer; fetch it again, or {_SAVE}."
        ) from error
    for weight in network.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise DataError(f"{path} has values in {weight.path} that are not finite numbers.")
