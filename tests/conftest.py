"""Small data sets, and the models trained on them, which all tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sample_data import sentences, write_csv, write_images

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as modelwright.core.backend does


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A copy of the folder that ``make`` writes, which only one of several test workers does."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).exists():
            make(base / f"{name}.part")
            (base / f"{name}.part").rename(base / name)
    return Path(shutil.copytree(base / name, factory.mktemp(name) / name))


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 240 bilingual reviews."""
    folder = tmp_path_factory.mktemp("reviews")
    return write_csv(folder / "reviews.csv", sentences(240), ("评论", "情感"))


@pytest.fixture(scope="session")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a class, 40 pictures each."""
    return write_images(tmp_path_factory.mktemp("colors"), 40)


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real sets, unpacked; for the slow tier.

    The one that MODELWRIGHT_TEST_DATA names, or what ``shared/data`` beside the checkout holds.
    """
    if given := os.environ.get("MODELWRIGHT_TEST_DATA"):
        return Path(given)
    unpack = Path(__file__).parents[2] / "shared" / "data" / "unpack.py"
    if not unpack.exists():
        pytest.skip("MODELWRIGHT_TEST_DATA is not set, and there is no shared/data")
    folder = tmp_path_factory.mktemp("real")
    sets = ("cifar10", "cifar10-png", "mnist", "imdb", "zh")
    subprocess.run([sys.executable, str(unpack), str(folder), *sets], check=True)
    return folder


@pytest.fixture(scope="session")
def text_run(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small BiLSTM."""
    import modelwright

    def make(out: Path) -> None:
        modelwright.train(
            data={"source": str(reviews), "test": 0.2},
            model={"recipe": "bilstm", "units": [8], "embedding": 8, "length": 12, "dropout": 0.1},
            train={"epochs": 6, "batch_size": 16, "learning_rate": 0.02, "precision": "float32"},
            out=out,
        )

    return made_once(tmp_path_factory, "text", make)


@pytest.fixture(scope="session")
def image_run(colors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small CNN."""
    import modelwright

    def make(out: Path) -> None:
        modelwright.train(
            data={"source": str(colors), "test": 0.2},
            model={"recipe": "cnn-tutorial", "filters": [4, 8], "units": 8},
            train={"epochs": 10, "batch_size": 16, "learning_rate": 0.01, "precision": "float32"},
            out=out,
        )

    return made_once(tmp_path_factory, "pictures", make)


@pytest.fixture(scope="session")
def text_servable(text_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a servable of the text run. Don't change it."""
    import modelwright

    def make(out: Path) -> None:
        modelwright.export(text_run, out / "sentiment")

    return made_once(tmp_path_factory, "text-models", make) / "sentiment" / "1"


@pytest.fixture(scope="session")
def image_servable(image_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a servable of the picture run. Don't change it."""
    import modelwright

    def make(out: Path) -> None:
        modelwright.export(image_run, out / "colors")

    return made_once(tmp_path_factory, "picture-models", make) / "colors" / "1"


@pytest.fixture(scope="session")
def with_litert(
    text_servable: Path, image_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A text and an image servable, each with a float32 file for LiteRT. Don't change them."""
    from dataclasses import replace

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
            assert convert_servable(folder, [target], file.parent) == {}
            manifest = read_manifest(servable)
            engines = {**manifest.engines, "litert-float32": {}}
            write_manifest(replace(manifest, engines=engines), folder)

    models = made_once(tmp_path_factory, "with-litert", make)
    return {task: models / task / "1" for task in ("text", "image")}


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process; gives exit code, standard output, standard error."""

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
