"""A small study on images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sample_data import write_images


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("pictures"), 12, side=8)


@pytest.fixture(scope="module")
def study(pictures: Path) -> dict[str, Any]:
    """Two variants, two seeds."""
    return {
        "name": "colours",
        "seeds": [0, 1],
        "base": {
            "data": {"source": str(pictures), "test": 0.3},
            "model": {"recipe": "cnn-tutorial", "filters": [4], "units": 4},
            "train": {"epochs": 2, "batch_size": 8, "precision": "float32", "tensorboard": False},
        },
        "variants": [
            {"name": "base", "claimed": 90, "claimed_gap": 3},
            {"name": "宽 网络", "after": "base", "set": {"model.units": 8}},
        ],
    }
