"""Slow tests: real data sets, from raw data to a servable, at sizes that take minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwright

pytestmark = pytest.mark.slow


def test_cifar10_is_learned_and_served(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWRIGHT_DATA", str(real_data))
    report = modelwright.train(
        data={"source": "cifar10"},
        model={"recipe": "cnn"},
        train={"epochs": 4},
        out=tmp_path / "run",
    )
    measured = modelwright.evaluate(report.run).metrics
    assert measured.rows == 10_000
    # This seed gave 74 %. Chance gives 10 %.
    assert measured.accuracy_interval[0] > 0.68
    exported = modelwright.export(report.run, tmp_path / "cifar")
    assert exported.parity["savedmodel"]["labels_changed"] == 0
    frogs = sorted((real_data / "cifar10-png" / "test" / "frog").glob("*.png"))[:50]
    answers = modelwright.load(exported.servable).predict(frogs)
    assert sum(answer.label == "frog" for answer in answers) > 30


def test_chinese_reviews_are_learned_by_character(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWRIGHT_DATA", str(real_data))
    report = modelwright.train(
        data={"source": "online-shopping", "limit": 20_000},
        model={"recipe": "bilstm", "length": 64},
        train={"epochs": 2},
        out=tmp_path / "run",
    )
    assert modelwright.evaluate(report.run).metrics.accuracy_interval[0] > 0.82
    exported = modelwright.export(report.run, tmp_path / "shop")
    good, bad = modelwright.load(exported.servable).predict(
        ["质量很好，物流也快，推荐购买", "太差了，用了两天就坏了，要求退货"]
    )
    assert (good.label, bad.label) == ("pos", "neg")
