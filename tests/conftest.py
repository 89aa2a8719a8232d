"""Small labeled data sets that a model learns in seconds, and models trained on them once."""

from __future__ import annotations

import csv
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as modelwright.core.backend sets it

GOOD = ["wonderful", "delightful", "brilliant", "很好", "喜欢", "推荐"]
BAD = ["dreadful", "boring", "awful", "很差", "失望", "退货"]
FILLER = ["the film", "this book", "酒店", "a plot", "手机", "acting", "电影", "room"]
COLORS = {"blue": (30, 40, 220), "green": (30, 200, 40), "red": (220, 30, 30)}


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Returns a copy of a folder that only one of several test processes builds."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).exists():
            build(base / f"{name}.part")
            (base / f"{name}.part").rename(base / name)
    return Path(shutil.copytree(base / name, factory.mktemp(name) / name))


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Returns distinct (text, label) rows, half good and half bad, in two languages."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        label, words = ("pos", GOOD) if number % 2 else ("neg", BAD)
        filler = random.choice(FILLER, 3)
        rows.append((f"{filler[0]} {random.choice(words)} {filler[1]} {number} {filler[2]}", label))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]], header: tuple[str, str]) -> Path:
    """Writes rows under a header, in UTF-8."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_images(folder: Path, count: int, side: int = 16, seed: int = 0) -> Path:
    """Writes a folder for each color, with ``count`` noisy PNGs of that color."""
    random = np.random.default_rng(seed)
    for name, color in COLORS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            noise = random.integers(-30, 30, (side, side, 3))
            pixels = np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")
    return folder


def weights(path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays in a run's weights, by name."""
    import h5py

    from modelwright.runs import run as runs

    arrays: dict[str, np.ndarray] = {}
    with h5py.File(path / runs.WEIGHTS) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 240 bilingual reviews."""
    folder = tmp_path_factory.mktemp("reviews")
    return write_csv(folder / "reviews.csv", sentences(240), ("评论", "情感"))


@pytest.fixture(scope="session")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each color, with 40 images each."""
    return write_images(tmp_path_factory.mktemp("colors"), 40)


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real data sets, unpacked, for slow tests.

    MODELWRIGHT_TEST_DATA names it. Otherwise ``shared/data`` next to the checkout is unpacked.
    """
    if folder := os.environ.get("MODELWRIGHT_TEST_DATA"):
        return Path(folder)
    unpack = Path(__file__).parents[2] / "shared" / "data" / "unpack.py"
    if not unpack.exists():
        pytest.skip("MODELWRIGHT_TEST_DATA is not set, and there is no shared/data")
    target = tmp_path_factory.mktemp("real")
    sets = ("cifar10", "cifar10-png", "mnist", "imdb", "zh")
    subprocess.run([sys.executable, str(unpack), str(target), *sets], check=True)
    return target


@pytest.fixture(scope="session")
def text_run(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small BiLSTM."""
    import modelwright

    def build(out: Path) -> None:
        modelwright.train(
            data={"source": str(reviews), "test": 0.2},
            model={"recipe": "bilstm", "units": [8], "embedding": 8, "length": 12, "dropout": 0.1},
            train={"epochs": 6, "batch_size": 16, "learning_rate": 0.02, "precision": "float32"},
            out=out,
        )

    return build_once(tmp_path_factory, "text", build)


@pytest.fixture(scope="session")
def image_run(colors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small CNN."""
    import modelwright

    def build(out: Path) -> None:
        modelwright.train(
            data={"source": str(colors), "test": 0.2},
            model={"recipe": "cnn-tutorial", "filters": [4, 8], "units": 8},
            train={"epochs": 10, "batch_size": 16, "learning_rate": 0.01, "precision": "float32"},
            out=out,
        )

    return build_once(tmp_path_factory, "images", build)


@pytest.fixture(scope="session")
def text_servable(text_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a servable of the text run. Tests must not change it."""
    import modelwright

    def build(out: Path) -> None:
        modelwright.export(text_run, out / "sentiment")

    return build_once(tmp_path_factory, "text-models", build) / "sentiment" / "1"


@pytest.fixture(scope="session")
def image_servable(image_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a servable of the image run. Tests must not change it."""
    import modelwright

    def build(out: Path) -> None:
        modelwright.export(image_run, out / "colors")

    return build_once(tmp_path_factory, "image-models", build) / "colors" / "1"


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process and returns exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        from modelwright.cli.main import main

        monkeypatch.setattr("sys.argv", ["modelwright", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
