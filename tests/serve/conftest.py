"""Servables for the tests of the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_models import Models
from small_servables import write_image_servable, write_text_servable


@pytest.fixture(scope="session")
def small_text_servable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a tiny classifier of texts. Don't change it."""
    return write_text_servable(tmp_path_factory.mktemp("small-text") / "sentiment" / "1")


@pytest.fixture(scope="session")
def small_image_servable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of a tiny classifier of images. Don't change it."""
    return write_image_servable(tmp_path_factory.mktemp("small-images") / "colors" / "1")


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """A folder of fake models."""
    return Models(tmp_path / "models")
