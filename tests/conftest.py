"""Small data sets, and the models trained on them, which all tests share."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from child_processes import run_without_child_process
from command_tree import get_command
from sample_data import sentences, write_csv, write_images

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as modelwright.core.backend sets it
os.environ.setdefault("MODELWRIGHT_OFFLINE", "1")


_TRAINING = frozenset(
    [
        "api",
        "backbones",
        "cli",
        "exporting",
        "models",
        "publish",
        "quantization",
        "servable",
        "studies",
        "training",
        "trials",
    ]
)
"""Folders whose tests train or convert networks, and take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long files first, so that all test processes end at about the same time."""
    root = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(root).parts[0] not in _TRAINING)


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


@pytest.fixture
def convert_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports convert in this process. A fresh process still checks each engine's answers."""
    from modelwright.exporting import conversion

    run_without_child_process(monkeypatch, conversion)


@pytest.fixture
def export_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports convert and check in this process."""
    from modelwright.exporting import conversion
    from modelwright.servable import replay

    run_without_child_process(monkeypatch, conversion, replay)


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
    from modelwright.servable import replay

    def build(out: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            run_without_child_process(patch, replay)  # a child process converts
            modelwright.export(text_run, out / "sentiment")

    return build_once(tmp_path_factory, "text-models", build) / "sentiment" / "1"


@pytest.fixture(scope="session")
def image_servable(image_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a servable of the image run. Tests must not change it."""
    import modelwright
    from modelwright.exporting import conversion
    from modelwright.servable import replay

    def build(out: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            run_without_child_process(patch, conversion, replay)
            modelwright.export(image_run, out / "colors")

    return build_once(tmp_path_factory, "image-models", build) / "colors" / "1"


@pytest.fixture(scope="session")
def with_litert(
    text_servable: Path, image_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A text and an image servable, each with a float32 file for LiteRT. Don't change them."""
    from dataclasses import replace

    from modelwright.exporting import conversion
    from modelwright.exporting.conversion import ConversionTarget, convert_servable
    from modelwright.servable.engines.litert import LITERT
    from modelwright.servable.manifest import read_manifest, write_manifest

    def make(out: Path) -> None:
        for task, servable in (("text", text_servable), ("image", image_servable)):
            folder = out / task / "1"
            shutil.copytree(servable, folder)
            file = folder / LITERT.file("litert-float32")
            file.parent.mkdir()
            target = ConversionTarget(file.name, LITERT.name)
            with pytest.MonkeyPatch.context() as patch:
                run_without_child_process(patch, conversion)
                assert convert_servable(folder, [target], file.parent) == {}
            manifest = read_manifest(servable)
            engines = {**manifest.engines, "litert-float32": {}}
            write_manifest(replace(manifest, engines=engines), folder)

    models = build_once(tmp_path_factory, "with-litert", make)
    return {task: models / task / "1" for task in ("text", "image")}


@pytest.fixture
def server_log() -> Iterator[None]:
    """Gives the server's log back as it was: ``serve`` sets it up for its whole process."""
    loggers = [logging.getLogger(name) for name in ("modelwright.serve", "uvicorn.error")]
    before = [(one.level, one.propagate, one.handlers[:]) for one in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers[:] = handlers


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server_log: None
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process and returns exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        from modelwright.cli.main import main

        monkeypatch.setattr("typer.main.get_command", get_command)
        monkeypatch.setattr("sys.argv", ["modelwright", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
