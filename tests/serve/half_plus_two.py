"""Toy SavedModels, as TensorFlow Serving's own tests use them, and a config file for both servers.

``python tests/serve/half_plus_two.py FOLDER`` writes ``FOLDER/NAME/00000123/`` for each model and
``FOLDER/models.config``. TensorFlow Serving's container reads them where they are mounted::

    docker run -p 8500:8500 -p 8501:8501 -v "$PWD/FOLDER:/models" tensorflow/serving \
        --model_config_file=/models/models.config \
        --allow_version_labels_for_unavailable_models=true

- ``half_plus_two``: y = x / 2 + 2, with the names, shapes and signatures of the known model.
- ``half_plus_three``: y = x / 2 + 3, the same signatures.
- ``echo``: gives back what it gets, a signature for each kind of tensor, for what JSON can carry.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

VERSION = 123
FOLDER = f"{VERSION:08d}"
LABEL = "stable"
MODELS = ("half_plus_two", "half_plus_three", "echo")
PREDICT, CLASSIFY, REGRESS = (
    f"tensorflow/serving/{method}" for method in ("predict", "classify", "regress")
)

Signatures = Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]]


def write_models(root: Path, base: str = "/models") -> Path:
    """Every model below a folder, and their config; the path of the config.

    Args:
        root: the folder, which is made.
        base: where the folder is for the server that reads the config.
    """
    for name in MODELS:
        write(root / name / FOLDER, name)
    path = root / "models.config"
    path.write_text(config({name: f"{base}/{name}" for name in MODELS}))
    return path


def config(bases: Mapping[str, str], extra: str = "") -> str:
    """A model config file's text; the label and ``extra`` go to the first model."""
    blocks = []
    for number, (name, base) in enumerate(bases.items()):
        more = extra or f'version_labels {{ key: "{LABEL}" value: {VERSION} }}'
        blocks.append(
            f'  config {{\n    name: "{name}"\n    base_path: "{base}"\n'
            f'    model_platform: "tensorflow"\n    {"" if number else more}\n  }}\n'
        )
    return f"model_config_list {{\n{''.join(blocks)}}}\n"


def write(folder: Path, name: str) -> Path:
    """One version of a model; the folder."""
    import tensorflow as tf

    v1 = tf.compat.v1
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default(), v1.Session() as session:
        if name == "echo":
            signatures = _echo(tf)
        else:
            signatures = _half_plus(tf, {"half_plus_two": 2.0, "half_plus_three": 3.0}[name])
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        described = {
            key: v1.saved_model.build_signature_def(
                {n: v1.saved_model.build_tensor_info(t) for n, t in inputs.items()},
                {n: v1.saved_model.build_tensor_info(t) for n, t in outputs.items()},
                method,
            )
            for key, (method, inputs, outputs) in signatures.items()
        }
        builder.add_meta_graph_and_variables(
            session, [tf.saved_model.SERVING], signature_def_map=described
        )
        builder.save()
    return folder


def _half_plus(tf: Any, offset: float) -> Signatures:
    """``y = a x + b``, ``y2 = a x + c`` and ``y3 = a x2 + c`` of serialised examples' features."""
    v1 = tf.compat.v1
    half = v1.get_variable("a", initializer=0.5)
    first = v1.get_variable("b", initializer=offset)
    second = v1.get_variable("c", initializer=3.0)
    text = v1.placeholder(tf.string, name="tf_example")
    features = {
        "x": tf.io.FixedLenFeature([1], tf.float32),
        "x2": tf.io.FixedLenFeature([1], tf.float32, [0.0]),
    }
    read = tf.io.parse_example(text, features)
    for value in read.values():
        value.set_shape([None, 1])  # which the unknown shape of what is read hides
    x, x2 = tf.identity(read["x"], name="x"), tf.identity(read["x2"], name="x2")
    y = tf.add(half * x, first, name="y")
    y2 = tf.add(half * x, second, name="y2")
    y3 = tf.add(half * x2, second, name="y3")
    return {
        "serving_default": (PREDICT, {"x": x}, {"y": y}),
        "classify_x_to_y": (CLASSIFY, {"inputs": text}, {"scores": y}),
        "classify_x2_to_y3": (CLASSIFY, {"inputs": x2}, {"scores": y3}),
        "regress_x_to_y": (REGRESS, {"inputs": text}, {"outputs": y}),
        "regress_x_to_y2": (REGRESS, {"inputs": text}, {"outputs": y2}),
        "regress_x2_to_y3": (REGRESS, {"inputs": x2}, {"outputs": y3}),
    }


def _echo(tf: Any) -> Signatures:
    """Each tensor as it came; and outputs that JSON cannot carry, or only in columns."""
    v1 = tf.compat.v1
    kinds = {
        "ints": tf.int32,
        "floats": tf.float32,
        "doubles": tf.float64,
        "texts": tf.string,
        "flags": tf.bool,
    }
    given = {name: v1.placeholder(kind, name=name) for name, kind in kinds.items()}
    back = {name: tf.identity(tensor, name=f"{name}_back") for name, tensor in given.items()}
    several = ("ints", "floats", "doubles", "texts")
    waves = v1.placeholder(tf.complex64, name="waves")
    files = tf.identity(given["texts"], name="files_back")
    floats = {"floats": given["floats"]}
    values = given["floats"]
    return {
        **{name: (PREDICT, {name: given[name]}, {name: back[name]}) for name in kinds},
        "serving_default": (
            PREDICT,
            {name: given[name] for name in several},
            {**{name: back[name] for name in several}, "files_bytes": files},
        ),
        "files": (PREDICT, {"texts": given["texts"]}, {"files_bytes": files}),
        "total": (PREDICT, floats, {"total": tf.reduce_sum(values, name="total")}),
        "nothing": (PREDICT, floats, {"none": tf.identity(values[:0], name="none")}),
        "uneven": (
            PREDICT,
            floats,
            {"all": back["floats"], "rest": tf.identity(values[1:], name="rest")},
        ),
        "complex": (PREDICT, floats, {"waves": tf.complex(values, values, name="made")}),
        "waves": (PREDICT, {"waves": waves}, {"waves": tf.identity(waves, name="waves_back")}),
    }


def main() -> None:
    """Write the models where the first argument says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="made if it is not there")
    parser.add_argument("--base", default="/models", help="where a server finds the folder")
    given = parser.parse_args()
    for name in MODELS:
        shutil.rmtree(given.folder / name, ignore_errors=True)
    print(write_models(given.folder, given.base))


if __name__ == "__main__":
    main()
