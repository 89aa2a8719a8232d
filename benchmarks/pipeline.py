"""The input pipeline: how long a training waits for its images, and how fast they can come.

Waiting: Modelwright trains the recipe ``cnn`` with flips and crops, from an array, from a folder
that is decoded once, and from folders of PNG and JPEG files that are decoded in every epoch
(``data.memory_mib=1``). A step waits if its batch is ready only after the previous step has ended;
the share of that time is reported. The same training then gets one constant batch from
TensorFlow's memory. ``(real - cached) / real`` is all that batches cost: the waiting, and the cores
that prepare batches instead of computing steps.

Reading: images per second that are decoded from a folder and augmented in batches, without a
training: Modelwright's batches and ``image_dataset_from_directory`` with ``map``,
``shuffle(1000)``, ``batch`` and ``prefetch``. The second pass over the folder counts.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option
from keras_clock import time_epochs

SOURCES = ("array", "decoded", "png", "jpeg")
READERS = ("modelwright", "modelwright, decoded", "keras", "keras, parallel map")
OPTIONS = {
    "parts": Option(["waiting", "reading"], ["waiting", "reading"], "parts to measure", many=True),
    "sources": Option([*SOURCES], ["array", "png"], "sources of the training images", many=True),
    "steps": Option(40, 4, "steps per epoch of a training"),
    "epochs": Option(4, 3, "epochs of a training; the first does not count"),
    "batch": Option(512, 128, "batch size of a training"),
    "reading_batch": Option(64, 64, "batch size of reading"),
    "reading_rows": Option(20_000, 600, "images in the folder to read"),
    "side": Option(32, 32, "side of the images in pixels; CIFAR-10's are enlarged"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures both parts, on folders that are written once."""
    results: Figures = {}
    # A training from a folder holds out about a tenth of the images, sometimes more.
    rows = {
        "waiting": arguments.steps * arguments.batch * 5 // 4,
        "reading": arguments.reading_rows,
    }
    with tempfile.TemporaryDirectory() as root:
        folders = {name: Path(root) / name for name in ("png", "jpeg")}
        for name, folder in folders.items():
            write_images(folder, name, max(rows[part] for part in arguments.parts), arguments.side)
        if "waiting" in arguments.parts:
            results["waiting"] = _compare_waiting(arguments, folders)
        if "reading" in arguments.parts:
            results["reading"] = {
                name: _compare_reading(arguments, name, folder) for name, folder in folders.items()
            }
    return results


def write_images(folder: Path, kind: str, count: int, side: int) -> None:
    """Writes the first training images of CIFAR-10 as files, one folder per class."""
    import numpy as np
    from PIL import Image

    from modelwright import load_data

    data = load_data("cifar10")
    train = data.splits["train"]
    for name in data.labels:
        (folder / name).mkdir(parents=True)
    for at in range(min(count, len(train))):
        picture = Image.fromarray(train.inputs.take(np.array([at]))[0])
        if side != picture.width:
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        path = folder / data.labels[train.labels[at]] / f"{at:05d}.{kind}"
        file = io.BytesIO()
        picture.save(file, kind.upper(), **({"quality": 90} if kind == "jpeg" else {}))
        path.write_bytes(file.getvalue())


def _compare_waiting(arguments: argparse.Namespace, folders: dict[str, Path]) -> Figures:
    results: Figures = {}
    rows = []
    for source in arguments.sources:
        where = {"array": "cifar10", "decoded": str(folders["png"])}.get(source)
        task = {
            "part": "waiting",
            "source": where or str(folders[source]),
            "memory_mib": 2048 if where else 1,
            "rows": arguments.steps * arguments.batch,
            "batch": arguments.batch,
            "epochs": arguments.epochs,
        }
        print(f"waiting, {source}", flush=True)
        runs = harness.run_in_turn(
            __file__,
            {side: {**task, "cached": side == "cached"} for side in ("real", "cached")},
            arguments.rounds,
            show=lambda figures: (
                f"{1000 * figures['step_seconds']:.1f} ms a step,"
                f" {figures['waiting_share']:.1%} of them waiting"
            ),
        )
        medians = harness.medians(runs)
        real, cached = (medians[side]["step_seconds"] for side in ("real", "cached"))
        share = (real - cached) / real
        results[source] = {"cost_share": share, "medians": medians, "runs": runs}
        waiting, preparing = (
            medians["real"][key] for key in ("waiting_share", "preparing_seconds")
        )
        times = [f"{1000 * seconds:.1f}" for seconds in (real, cached, preparing)]
        rows.append((source, *times, f"{waiting:.1%}", f"{share:.1%}"))
    headers = ("pictures from", "ms a step", "one batch", "ms to prepare", "waiting", "all cost")
    harness.print_table("What a training step's batch costs it", headers, rows)
    return results


def _compare_reading(arguments: argparse.Namespace, kind: str, folder: Path) -> Figures:
    print(f"reading, {kind}", flush=True)
    task = {"part": "reading", "folder": str(folder), "batch": arguments.reading_batch}
    runs = harness.run_in_turn(
        __file__,
        {reader: {**task, "reader": reader} for reader in READERS},
        arguments.rounds,
        show=lambda figures: f"{figures['pictures_per_second']:,.0f} pictures/s",
    )
    medians = harness.medians(runs)
    base = medians["keras"]["pictures_per_second"]
    ratios = {
        name: harness.ratio(figures["pictures_per_second"], base)
        for name, figures in medians.items()
    }
    rows = [
        (
            name,
            harness.format_number(figures["pictures_per_second"], ",.0f"),
            harness.format_number(ratios[name], ".2f"),
            harness.format_number(figures["opening_seconds"], ".2f"),
        )
        for name, figures in medians.items()
    ]
    title = f"{kind.upper()} files read and varied, in batches of {arguments.reading_batch}"
    harness.print_table(title, ("reader", "pictures/s", "over keras", "s to open"), rows)
    return {"medians": medians, "over_keras": ratios, "runs": runs}


def measure_side(part: str, **task: Any) -> Figures:
    """Trains or reads once."""
    return _train(**task) if part == "waiting" else _read(**task)


def _train(
    source: str, memory_mib: int, rows: int, batch: int, epochs: int, cached: bool
) -> Figures:
    from modelwright.training.batches import TrainingBatches

    steps = 0
    needed: dict[tuple[int, int], float] = {}

    def exchange(batches: Any) -> Any:
        nonlocal steps
        steps = len(batches)
        return _one_batch(batches, steps) if cached else batches

    def record(what: str, done: int, total: int) -> None:
        if what.startswith("epoch"):
            needed[divmod(done, steps)] = time.perf_counter()

    data = {**harness.data_settings(source, rows), "memory_mib": memory_mib, "test": 0.0}
    with (
        tempfile.TemporaryDirectory() as folder,
        time_epochs(exchange) as clock,
        _preparation_times(TrainingBatches) as prepared,
    ):
        harness.train(
            data=data,
            model={"recipe": "cnn", "augment": "flip+crop"},
            train={"batch_size": batch, "epochs": epochs, "patience": 0, "tensorboard": False},
            out=Path(folder) / "run",
            progress=record,
        )
    needed.update({(epoch, 0): begun for epoch, begun in enumerate(clock.begins)})
    training = sum(clock.training[1:])
    waited = waiting_seconds(needed, {position: end for position, (_, end) in prepared.items()})
    return {
        "steps": steps,
        "step_seconds": training / (epochs - 1) / steps,
        "preparing_seconds": statistics.median(end - start for start, end in prepared.values()),
        "waiting_share": sum(waited) / training,
        "waits": waited,
        "training_seconds": clock.training,
    }


def waiting_seconds(
    needed: dict[tuple[int, int], float], prepared: dict[tuple[int, int], float]
) -> list[float]:
    """Returns the seconds that each step waited for its batch, without the first epoch.

    Both arguments are times by epoch and position.
    """
    return [
        max(0.0, time - needed[position])
        for position, time in sorted(prepared.items())
        if position[0] > 0
    ]


def _one_batch(batches: Any, steps: int) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(next(iter(batches))).repeat(steps)


@contextmanager
def _preparation_times(kind: Any) -> Iterator[dict[tuple[int, int], tuple[float, float]]]:
    """Yields the start and end of the preparation of each batch, by epoch and position."""
    original = kind.make
    times: dict[tuple[int, int], tuple[float, float]] = {}

    def timed(self: Any, position: int) -> Any:
        started = time.perf_counter()
        batch = original(self, position)
        times[self.epoch, position] = (started, time.perf_counter())
        return batch

    kind.make = timed
    try:
        yield times
    finally:
        kind.make = original


def _read(reader: str, folder: str, batch: int) -> Figures:
    passes = (_keras if reader.startswith("keras") else _modelwright)(reader, folder, batch)
    next(passes)  # imports
    opening = time.perf_counter()
    next(passes)
    opened = time.perf_counter() - opening
    next(passes)
    started = time.perf_counter()
    pictures = next(passes)
    return {
        "pictures": pictures,
        "pictures_per_second": pictures / (time.perf_counter() - started),
        "opening_seconds": opened,
    }


def _modelwright(reader: str, folder: str, batch: int) -> Iterator[int]:
    from modelwright import load_data
    from modelwright.core.config import DataConfig
    from modelwright.training.augmentation import Augmentation
    from modelwright.training.batches import TrainingBatches

    yield 0
    memory = 2048 if "decoded" in reader else 1
    data = load_data(DataConfig(source=folder, memory_mib=memory, val=0.0, test=0.0))
    train = data.splits["train"]
    batches = TrainingBatches(
        train.inputs, train.labels, batch, seed=0, augmentation=Augmentation("flip+crop")
    )
    yield 0
    for epoch in range(2):
        batches.start_epoch(epoch)
        yield sum(len(batches[at][0]) for at in range(len(batches)))


def _keras(reader: str, folder: str, batch: int) -> Iterator[int]:
    import keras
    import tensorflow as tf
    from PIL import Image

    tf.constant(0)  # the first operation starts the runtime
    yield 0
    with Image.open(next(Path(folder).glob("*/*"))) as first:
        side = first.width

    def vary(picture: Any, label: Any) -> Any:
        reach = side // 8
        picture = tf.image.random_flip_left_right(picture)
        picture = tf.pad(picture, [[reach, reach], [reach, reach], [0, 0]], "REFLECT")
        return tf.image.random_crop(picture, (side, side, 3)), label

    pictures = keras.utils.image_dataset_from_directory(
        folder, image_size=(side, side), batch_size=None, verbose=False
    )
    parallel = tf.data.AUTOTUNE if "parallel" in reader else None
    batches = pictures.map(vary, num_parallel_calls=parallel)
    batches = batches.shuffle(1000).batch(batch).prefetch(tf.data.AUTOTUNE)
    yield 0
    for _ in range(2):
        yield sum(int(x.shape[0]) for x, _ in batches)


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
