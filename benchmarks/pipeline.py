"""The input pipeline: how long a training waits for its pictures, and how fast they can come.

Waiting: Modelwright trains the recipe ``cnn`` with mirroring and shifting, from an array, from a
folder that is kept decoded, and from folders of PNG and JPEG files decoded anew each epoch
(``data.memory_mib=1``). A step waits where its batch is made only after the step before it has
ended; that time over all time is the share spent waiting. Beside it the same training, whose
every step gets one and the same batch from TensorFlow's memory: ``(real - cached) / real`` is all
that batches cost, waiting and what preparing them takes from the cores that the steps run on.

Reading: pictures a second decoded from a folder and varied, in batches, without any training:
Modelwright's batches beside ``image_dataset_from_directory`` with ``map``, ``shuffle(1000)``,
``batch`` and ``prefetch``. The second pass over the folder counts.
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

SOURCES = ("array", "decoded", "png", "jpeg")
READERS = ("modelwright", "modelwright, decoded", "keras", "keras, parallel map")
OPTIONS = {
    "parts": Option(["waiting", "reading"], ["waiting", "reading"], "what to measure", many=True),
    "sources": Option([*SOURCES], ["array", "png"], "where the training's pictures are", many=True),
    "steps": Option(40, 4, "a training's steps in an epoch"),
    "epochs": Option(4, 3, "of a training, the first of which is not counted"),
    "batch": Option(512, 128, "pictures a step of a training"),
    "reading_batch": Option(64, 64, "pictures a batch where nothing is trained"),
    "reading_rows": Option(20_000, 600, "pictures in the folder that is read"),
    "side": Option(32, 32, "of the pictures in the folders, in pixels; CIFAR-10's are enlarged"),
}


def compare(given: argparse.Namespace) -> Figures:
    """Both parts, on folders that are made once."""
    results: Figures = {}
    # A training from a folder holds a tenth of the pictures out, and more where it is unlucky.
    rows = {"waiting": given.steps * given.batch * 5 // 4, "reading": given.reading_rows}
    with tempfile.TemporaryDirectory() as made:
        folders = {name: Path(made) / name for name in ("png", "jpeg")}
        for name, folder in folders.items():
            write_images(folder, name, max(rows[part] for part in given.parts), given.side)
        if "waiting" in given.parts:
            results["waiting"] = _compare_waiting(given, folders)
        if "reading" in given.parts:
            results["reading"] = {
                name: _compare_reading(given, name, folder) for name, folder in folders.items()
            }
    return results


def write_images(folder: Path, kind: str, count: int, side: int) -> None:
    """The first pictures of CIFAR-10's training rows as files, a folder a class."""
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


def _compare_waiting(given: argparse.Namespace, folders: dict[str, Path]) -> Figures:
    results: Figures = {}
    rows = []
    for source in given.sources:
        where = {"array": "cifar10", "decoded": str(folders["png"])}.get(source)
        task = {
            "part": "waiting",
            "source": where or str(folders[source]),
            "memory_mib": 2048 if where else 1,
            "rows": given.steps * given.batch,
            "batch": given.batch,
            "epochs": given.epochs,
        }
        print(f"waiting, {source}", flush=True)
        runs = harness.turns(
            __file__,
            {side: {**task, "cached": side == "cached"} for side in ("real", "cached")},
            given.rounds,
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


def _compare_reading(given: argparse.Namespace, kind: str, folder: Path) -> Figures:
    print(f"reading, {kind}", flush=True)
    task = {"part": "reading", "folder": str(folder), "batch": given.reading_batch}
    runs = harness.turns(
        __file__,
        {reader: {**task, "reader": reader} for reader in READERS},
        given.rounds,
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
            harness.show(figures["pictures_per_second"], ",.0f"),
            harness.show(ratios[name], ".2f"),
            harness.show(figures["opening_seconds"], ".2f"),
        )
        for name, figures in medians.items()
    ]
    title = f"{kind.upper()} files read and varied, in batches of {given.reading_batch}"
    harness.print_table(title, ("reader", "pictures/s", "over keras", "s to open"), rows)
    return {"medians": medians, "over_keras": ratios, "runs": runs}


def measure(part: str, **task: Any) -> Figures:
    """One training, or one reading."""
    return _train(**task) if part == "waiting" else _read(**task)


def _train(
    source: str, memory_mib: int, rows: int, batch: int, epochs: int, cached: bool
) -> Figures:
    import modelwright
    from modelwright.training.batches import TrainingBatches

    steps = 0
    needed: dict[tuple[int, int], float] = {}

    def exchange(batches: Any) -> Any:
        nonlocal steps
        steps = len(batches)
        return _one_batch(batches, steps) if cached else batches

    def told(what: str, done: int, total: int) -> None:
        if what.startswith("epoch"):
            needed[divmod(done, steps)] = time.perf_counter()

    data = {**harness.source(source, rows), "memory_mib": memory_mib, "test": 0.0}
    with (
        tempfile.TemporaryDirectory() as folder,
        harness.timed(exchange) as clock,
        _made(TrainingBatches) as made,
    ):
        modelwright.train(
            data=data,
            model={"recipe": "cnn", "augment": "flip+crop"},
            train={"batch_size": batch, "epochs": epochs, "patience": 0, "tensorboard": False},
            out=Path(folder) / "run",
            progress=told,
        )
    needed.update({(epoch, 0): begun for epoch, begun in enumerate(clock.begins)})
    training = sum(clock.training[1:])
    waited = waits(needed, {place: end for place, (_, end) in made.items()})
    return {
        "steps": steps,
        "step_seconds": training / (epochs - 1) / steps,
        "preparing_seconds": statistics.median(end - start for start, end in made.values()),
        "waiting_share": sum(waited) / training,
        "waits": waited,
        "training_seconds": clock.training,
    }


def waits(needed: dict[tuple[int, int], float], ready: dict[tuple[int, int], float]) -> list[float]:
    """Seconds from where each batch was needed to where it was ready, 0 if it was before.

    Both are by epoch and position; the first epoch is left out.
    """
    return [max(0.0, at - needed[place]) for place, at in sorted(ready.items()) if place[0] > 0]


def _one_batch(batches: Any, steps: int) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(next(iter(batches))).repeat(steps)


@contextmanager
def _made(kind: Any) -> Iterator[dict[tuple[int, int], tuple[float, float]]]:
    """When each batch began to be made and was ready, by epoch and position."""
    original = kind.make
    times: dict[tuple[int, int], tuple[float, float]] = {}

    def timed(self: Any, position: int) -> Any:
        started = time.perf_counter()
        made = original(self, position)
        times[self.epoch, position] = (started, time.perf_counter())
        return made

    kind.make = timed
    try:
        yield times
    finally:
        kind.make = original


def _read(reader: str, folder: str, batch: int) -> Figures:
    passes = (_keras if reader.startswith("keras") else _modelwright)(reader, folder, batch)
    next(passes)  # what it imports
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
    from modelwright.training.batches import TrainingBatches

    yield 0
    memory = 2048 if "decoded" in reader else 1
    data = load_data(DataConfig(source=folder, memory_mib=memory, val=0.0, test=0.0))
    train = data.splits["train"]
    batches = TrainingBatches(train.inputs, train.labels, batch, seed=0, variation="flip+crop")
    yield 0
    for epoch in range(2):
        batches.start_epoch(epoch)
        yield sum(len(batches[at][0]) for at in range(len(batches)))


def _keras(reader: str, folder: str, batch: int) -> Iterator[int]:
    import keras
    import tensorflow as tf
    from PIL import Image

    tf.constant(0)  # the runtime starts with the first operation
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
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
