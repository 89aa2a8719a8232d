"""Trained models in a folder, and a server for them, for the slow tier."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import EVIL, Server


@pytest.fixture(scope="session")
def models(
    image_servable: Path, text_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder of three models: images, texts, and texts with twelve labels, one a script."""
    import modelwright

    folder = tmp_path_factory.mktemp("served")
    for servable in (image_servable, text_servable):
        shutil.copytree(servable.parent, folder / servable.parent.name)
    labels = [EVIL, *(f"类别{number}" for number in range(11))]
    source = tmp_path_factory.mktemp("topics") / "topics.tsv"
    rows = [
        f"word{i} number {n} again word{i}\t{e}" for i, e in enumerate(labels) for n in range(20)
    ]
    source.write_text("\n".join(["text\tlabel", *rows]), "utf-8")
    report = modelwright.train(
        data={"source": str(source)},
        model={"recipe": "bilstm", "units": [8], "embedding": 8, "length": 8, "dropout": 0.0},
        train={"epochs": 8, "batch_size": 16, "learning_rate": 0.05, "precision": "float32"},
        out=source.parent / "run",
    )
    for _ in range(2):
        modelwright.export(report.run, folder / "topics")
    return folder


@pytest.fixture(scope="session")
def url(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the models."""
    server = Server(models, tmp_path_factory.mktemp("server"))
    yield server.url
    server.stop()
