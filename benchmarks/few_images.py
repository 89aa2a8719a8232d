"""Accuracy of pretrained features with few images of each class.

For each number of images a class, images are drawn several times from the training split; the test
rows are always the same. The dense layer is solved as the recipe ``pretrained`` solves it, on
features of the published backbone. Features are computed once for each image and kept in the
cache, so a second run takes minutes. The baseline is logistic regression on pixels, with the same
penalties to choose from.

Needs the weights of the backbone (``modelwright backbones`` says how to get them) and one set as an
``.npz`` with ``x_train, y_train, x_test, y_test``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.statistics import student_interval
from modelwright.core.types import FloatArray
from modelwright.data.digests import hash_images
from modelwright.data.rows import ImageArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.feature_head import solve_head
from modelwright.models.logistic_regression import LogisticFit

_TEST_ROWS = 2000
_FIRST_SEED = 100


def main() -> None:
    """Measures one set and writes its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path, help=".npz file with the images")
    parser.add_argument("--rows", type=int, nargs="+", default=[20, 100, 500])
    parser.add_argument("--rounds", type=int, default=5, help="draws of the rows")
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--folder", type=Path, help="folder with the weights of the backbone")
    parser.add_argument("--augment", choices=["none", "flip"], default="none")
    parser.add_argument("--pixels", action="store_true", help="measure the baseline on pixels too")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    x, y, x_test, y_test = _read(arguments.set)
    draws = [_draw(y, max(arguments.rows), _FIRST_SEED + n) for n in range(arguments.rounds)]
    used = np.unique(np.concatenate([np.concatenate(draw) for draw in draws]))
    place = np.zeros(len(x), np.int64)
    place[used] = np.arange(len(used))
    mirrored = arguments.augment == "flip"
    inputs = {"features": _features(arguments, x[used], mirrored), "pixels": _flat(x[used])[None]}
    tests = {"features": _features(arguments, x_test)[0], "pixels": _flat(x_test)}
    kinds = ("features", "pixels") if arguments.pixels else ("features",)
    figures: dict[str, Any] = {}
    for rows in arguments.rows:
        for kind in kinds:
            scores, seconds, chosen, estimates = [], [], [], []
            for draw in draws:
                taken = np.concatenate([positions[:rows] for positions in draw])
                started = time.perf_counter()
                rows_taken = inputs[kind][:, place[taken]]
                data = AdaptationData(_rows(x[taken]), y[taken], features=rows_taken)
                head, solution = solve_head(data, int(y.max()) + 1, seed=0)
                seconds.append(time.perf_counter() - started)
                scores.append(float((_answers(head, tests[kind]) == y_test).mean()))
                chosen.append(solution.choice["strength"])
                estimates.append(solution.accuracy)
            mean, low, high = student_interval(scores) if len(scores) > 1 else (*scores, None, None)
            figures[f"{kind}-{rows}"] = {
                "rows_a_class": rows,
                "inputs": kind,
                "accuracy": mean,
                "interval": [low, high],
                "draws": scores,
                "cross_validated": estimates,
                "C": chosen,
                "seconds_to_solve": seconds,
            }
            print(rows, kind, f"{mean:.4f}", low, high, f"{np.mean(seconds):.1f} s", flush=True)
    if arguments.out:
        record = {
            "set": arguments.set.stem,
            "backbone": arguments.backbone,
            "augment": arguments.augment,
            "test_rows": len(y_test),
            "first_seed": _FIRST_SEED,
            "figures": figures,
        }
        arguments.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _read(path: Path) -> tuple[Any, Any, Any, Any]:
    """Returns images, labels, and the fixed test rows."""
    with np.load(path, allow_pickle=False) as stored:
        x, x_test = (stored[name] for name in ("x_train", "x_test"))
        y, y_test = (stored[name].ravel().astype(np.int64) for name in ("y_train", "y_test"))
    if x.ndim == 3:
        x, x_test = x[..., None], x_test[..., None]
    taken = np.random.default_rng(0).permutation(len(x_test))[:_TEST_ROWS]
    return x, y, x_test[taken], y_test[taken]


def _draw(labels: Any, rows: int, seed: int) -> list[Any]:
    """Returns positions of images of each class. Fewer images are the first of more."""
    random = np.random.default_rng(seed)
    return [
        random.permutation(np.flatnonzero(labels == label))[:rows] for label in np.unique(labels)
    ]


def _rows(images: Any) -> ImageArray:
    return ImageArray(np.arange(len(images)), str, images)


def _features(arguments: argparse.Namespace, images: Any, mirrored: bool = False) -> FloatArray:
    """Returns the features of images ``[views, n, d]``, as a training computes and keeps them."""
    # Loads TensorFlow, which --help does not need.
    from modelwright.backbones.load import load_backbone
    from modelwright.models.builders import build_network, check_options
    from modelwright.models.pretrained import backbone_of, backbone_side
    from modelwright.training.pretrained import views_of

    augment = "flip" if mirrored else "none"
    config = ModelConfig(
        builder="pretrained", options={"backbone": arguments.backbone, "augment": augment}
    )
    options, shape = check_options(config), images.shape[1:]
    side = backbone_side(options, shape)
    loaded = load_backbone(arguments.backbone, folder=arguments.folder, side=side)
    network = build_network(config, shape, 2)
    backbone_of(network).set_weights(loaded.network.get_weights())
    return views_of(options, network, _rows(images), hash_images(images), _print_progress)


def _print_progress(step: str, done: int, total: int) -> None:
    if not done % 1600:
        print(step, done, total, flush=True)


def _flat(images: Any) -> FloatArray:
    flat: FloatArray = images.reshape(len(images), -1).astype(np.float32)
    return flat


def _answers(head: LogisticFit, inputs: FloatArray) -> Any:
    scores = inputs @ head.kernel + head.bias
    return scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(np.int64)


if __name__ == "__main__":
    main()
