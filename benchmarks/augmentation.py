"""Images per second of each augmentation, compared with the layers of Keras.

Both sides get the same batches of uint8 images in memory, and each kind of augmentation alone, then
all of them together. Modelwright augments in numpy, in one thread. Keras' layers run in a compiled
function of TensorFlow, which may use every core. Reading, training and the first calls, which trace
the function, are not counted. ``none`` is the time to take a batch from the rows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import harness
from harness import Figures, Option

SIDES = ("modelwright", "keras")
KINDS = ("none", "flip", "crop", "rotation", "zoom", "brightness", "contrast", "cutout", "mixup")
SETTINGS: dict[str, Any] = {
    "rotation": 0.1,
    "zoom": 0.2,
    "brightness": 0.2,
    "contrast": 0.3,
    "cutout": 0.3,
    "mixup": 0.4,
}
OPTIONS = {
    "sides": Option([32, 96], [32], "sides of the images in pixels", many=True),
    "batch": Option(128, 128, "batch size"),
    "seconds": Option(1.0, 0.1, "seconds for each kind of augmentation"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures both sides for each size of images."""
    results: Figures = {}
    for side in arguments.sides:
        sizes = {"pixels": side, "batch": arguments.batch, "seconds": arguments.seconds}
        tasks = {name: {"side": name, **sizes} for name in SIDES}
        print(f"{side} x {side} pixels", flush=True)
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
        medians = harness.medians(runs)
        rows = [
            (
                kind,
                *(harness.format_number(medians[name][kind], ",.0f") for name in SIDES),
                harness.format_number(
                    harness.ratio(medians["modelwright"][kind], medians["keras"][kind]), ".1f"
                ),
            )
            for kind in (*KINDS, "all")
        ]
        title = f"images per second, {side} x {side} x 3, batches of {arguments.batch}"
        harness.print_table(title, ("augmentation", *SIDES, "ratio"), rows)
        results[f"{side}x{side}"] = {"medians": medians, "runs": runs}
    return results


def measure_side(side: str, pixels: int, batch: int, seconds: float) -> Figures:
    """Returns the images per second of each kind of augmentation."""
    import numpy as np

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (8 * batch, pixels, pixels, 3), np.uint8)
    labels = np.eye(10, dtype=np.float32)[random.integers(0, 10, len(images))]
    make = _modelwright if side == "modelwright" else _keras
    return {kind: _rate(make(kind, images, labels, batch), batch, seconds)
            for kind in (*KINDS, "all")}  # fmt: skip


def _rate(step: Callable[[int], object], batch: int, seconds: float) -> float:
    for number in range(3):
        step(number)
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or steps < 5:
        step(steps % 8)
        steps += 1
    return steps * batch / (time.perf_counter() - started)


def _modelwright(kind: str, images: Any, labels: Any, batch: int) -> Callable[[int], object]:
    from modelwright.training.augmentation import Augmentation
    from modelwright.training.batches import TokenIds, TrainingBatches

    name = {"all": "flip+crop", "flip": "flip", "crop": "crop"}.get(kind, "none")
    settings = SETTINGS if kind == "all" else {k: v for k, v in SETTINGS.items() if k == kind}
    rows = TokenIds(images)
    augmentation = Augmentation(name, **settings)
    batches = TrainingBatches(rows, labels, batch, seed=0, augmentation=augmentation)
    return batches.make


def _keras(kind: str, images: Any, labels: Any, batch: int) -> Callable[[int], object]:
    import tensorflow as tf
    from keras import layers

    pipeline: dict[str, Any] = {
        "flip": layers.RandomFlip("horizontal"),
        "crop": layers.RandomTranslation(0.125, 0.125),
        "rotation": layers.RandomRotation(SETTINGS["rotation"]),
        "zoom": layers.RandomZoom(SETTINGS["zoom"]),
        "brightness": layers.RandomBrightness(SETTINGS["brightness"]),
        "contrast": layers.RandomContrast(SETTINGS["contrast"], value_range=(0, 255)),
        "cutout": layers.RandomErasing(scale=(0.09, 0.09)),
        "mixup": layers.MixUp(alpha=SETTINGS["mixup"]),
    }
    used = list(pipeline) if kind == "all" else [kind] if kind in pipeline else []
    source, targets = tf.constant(images), tf.constant(labels)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(start: Any) -> Any:
        batch_of = {
            "images": tf.cast(source[start : start + batch], tf.float32),
            "labels": targets[start : start + batch],
        }
        for name in used:
            if name == "mixup":
                batch_of = pipeline[name](batch_of, training=True)
            else:
                batch_of["images"] = pipeline[name](batch_of["images"], training=True)
        return batch_of

    return lambda number: step(tf.constant(number * batch))["images"].numpy()


def _line(figures: Figures) -> str:
    return f"rotation {figures['rotation']:,.0f}, all {figures['all']:,.0f} images/s"


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
