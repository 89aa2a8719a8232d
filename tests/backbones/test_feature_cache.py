"""Features on disk by the content of the image."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from modelwright.backbones.feature_cache import FeatureCache, features_folder


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path))


def digests(*numbers: int) -> np.ndarray:
    return np.array([[number, 2**63 + number] for number in numbers], np.uint64)


def test_features_come_back_for_the_same_content_in_any_order() -> None:
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    FeatureCache("kind").write(digests(3, 1), values[:2])
    FeatureCache("kind").write(digests(7, 9), values[2:])
    features, found = FeatureCache("kind").read(digests(9, 5, 3, 9))
    assert features is not None
    assert found.tolist() == [True, False, True, True]
    assert features[found].tolist() == [[6, 7], [0, 1], [6, 7]]
    assert FeatureCache("other").read(digests(9))[0] is None


def test_a_damaged_file_counts_as_not_stored() -> None:
    FeatureCache("kind").write(digests(1), np.ones((1, 2), np.float32))
    FeatureCache("kind").write(digests(2), np.ones((1, 2), np.float32))
    file = sorted(features_folder().rglob("*.npz"))[0]
    file.write_bytes(file.read_bytes()[:50])
    _, found = FeatureCache("kind").read(digests(1, 2))
    assert found.sum() == 1


def test_the_files_that_were_not_read_for_longest_make_room() -> None:
    values = np.zeros((1, 1000), np.float32)
    for number in (1, 2):
        FeatureCache("kind").write(digests(number), values)
    for age, file in enumerate(sorted(features_folder().rglob("*.npz"))):
        os.utime(file, (age, age))
    _, found = FeatureCache("kind").read(digests(1))  # now 1 was read last
    assert found.all()
    FeatureCache("kind", limit=10_000).write(digests(3), values)
    _, found = FeatureCache("kind").read(digests(1, 2, 3))
    assert found.tolist() == [True, False, True]
