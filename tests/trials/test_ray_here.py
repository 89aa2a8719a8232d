"""Trials and scoring on a Ray cluster of this machine, which all tests of this file share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listening import listening_addresses

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, ModelwrightError
from modelwright.core.ray_cluster import RayCluster, ray_cluster
from modelwright.core.types import IntArray
from modelwright.runs.run import load_run
from modelwright.scoring import ray_pool
from modelwright.scoring.predict_file import predict_file
from modelwright.scoring.ray_pool import RayPool, RayWorkers
from modelwright.trials import ray_runner
from modelwright.trials.ray_data import SentData, SentSource
from modelwright.trials.ray_runner import RayRunner
from modelwright.trials.run_trial import run_trial
from modelwright.trials.runner import TrialEnded
from sample_data import weights, write_images
from small_trials import image_trial

pytest.importorskip("ray", reason="the package ray is not installed")


@pytest.fixture(scope="module")
def started() -> Iterator[RayCluster]:
    try:
        context = ray_cluster(cpus=2)
        cluster = context.__enter__()
    except ModelwrightError as error:
        pytest.skip(f"no Ray cluster starts here: {error}")
    yield cluster
    context.__exit__(None, None, None)


@pytest.fixture
def cluster(started: RayCluster, monkeypatch: pytest.MonkeyPatch) -> RayCluster:
    """Lets runners and scoring use the one cluster instead of starting their own."""
    for module in (ray_runner, ray_pool):
        monkeypatch.setattr(module, "ray_cluster", lambda *_, **__: nullcontext(started))
    return started


def test_a_cluster_of_its_own_listens_on_loopback_alone(cluster: RayCluster) -> None:
    found = listening_addresses()
    assert len(found) >= 4
    assert {address for address in found if address not in ("127.0.0.1", "::1")} == set()


@pytest.mark.slow
def test_a_trial_goes_on_elsewhere_with_the_same_bits_and_comes_back(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that shares no folder: data is sent, the run's files come back."""
    send = SentData.sources

    def elsewhere(self: SentData, config: DataConfig, lacking: Any = ()) -> tuple[SentSource, ...]:
        found = send(self, config, lacking)
        return tuple(replace(one, place=Path("/elsewhere") / one.place.name) for one in found)

    def unshared(self: RayRunner, folder: Path) -> tuple[Path, str]:
        return Path("/elsewhere/marker"), "token"

    monkeypatch.setattr(SentData, "sources", elsewhere)
    monkeypatch.setattr(RayRunner, "_mark", unshared)
    source = write_images(tmp_path / "images", 12, side=8)
    trial, here = image_trial(source, tmp_path), image_trial(source, tmp_path / "here")
    numbers = []
    with RayRunner(1) as runner:
        runner.start(trial)
        with pytest.raises(RuntimeError, match="all 1 slots are taken"):
            runner.start(trial)
        while (event := runner.next_event(120)) and not isinstance(event, TrialEnded):
            numbers.append(event.number)
            assert (trial.run / "checkpoint.npz").exists(), "the epoch is here"
            if event.number == 1:
                cluster.ray.kill(runner._tasks[0].host)
            runner.answer(event.key, go_on=True)
        assert runner.moved == 1
        assert runner.next_event() is None
    expected = run_trial(here)
    assert isinstance(event, TrialEnded), "the trial did not end"
    assert (event.outcome, numbers) == ("finished", [1, 2])
    assert event.result is not None and expected is not None
    assert (event.result.right, event.result.order) == (expected.right, expected.order)
    assert event.result.config == trial.config.model_dump(mode="json")
    run = load_run(trial.run)
    assert run.config == trial.config
    assert list(run.data["places"]) == [str(source)]
    assert not (trial.run / "checkpoint.npz").exists()
    first, second = weights(trial.run), weights(here.run)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_dead_worker_costs_no_row_and_the_output_is_that_of_one_machine(
    cluster: RayCluster, text_servable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _write_table(tmp_path / "in.parquet", np.arange(9000))
    predict_file(text_servable, table, tmp_path / "plain.parquet", workers=1)
    pools: list[RayPool] = []

    class Recorded(RayPool):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            pools.append(self)

    def kill_one(_: str, rows: int, total: int) -> None:
        if not pools[0].lost:
            cluster.ray.kill(next(one.handle for one in pools[0]._actors if one.chunks))

    monkeypatch.setattr(ray_pool, "RayPool", Recorded)
    output = tmp_path / "ray.parquet"
    report = predict_file(text_servable, table, output, workers=RayWorkers(2), progress=kill_one)
    assert report.rows == report.predicted == 9000
    assert pools[0].lost == 1
    assert any("of them died" in note for note in report.notes)
    assert output.read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*parquet*")) == [
        "in.parquet", "plain.parquet", "ray.parquet",
    ]  # fmt: skip


def test_more_workers_than_the_cluster_has_are_refused(
    cluster: RayCluster, text_servable: Path, tmp_path: Path
) -> None:
    table = _write_table(tmp_path / "in.parquet", np.arange(3))
    with pytest.raises(ConfigError, match="the Ray cluster has 2 CPUs; expected that number"):
        predict_file(text_servable, table, tmp_path / "out.parquet", workers=RayWorkers(3))
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
    with RayRunner(2, cpus=2) as runner, pytest.raises(ConfigError, match="expected 1 trials at"):
        runner.start(image_trial(tmp_path, tmp_path))


def _write_table(path: Path, keys: IntArray) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as paparquet

    texts = [f"这个 酒店 很好 number {key}" for key in keys]
    paparquet.write_table(pa.table({"key": keys, "text": texts}), path)
    return path
