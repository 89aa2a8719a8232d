"""What processes agree on, with two threads in place of processes and no network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from modelwright.core.config import Config, DataConfig, ModelConfig, TrainConfig
from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.models.builders import check_options
from modelwright.training.cluster import ProcessGroup
from modelwright.training.cluster_member import check_cluster
from modelwright.training.cluster_settings import Cluster

Array = npt.NDArray[Any]


class ThreadGroup(ProcessGroup):
    """A process group of threads."""

    barrier = threading.Barrier(2, timeout=10)
    given: dict[int, Array]

    def _gather(self, array: Array) -> Array:
        self.given[self.rank] = array
        self.barrier.wait()
        found = np.stack([self.given[rank] for rank in range(self.processes)])
        self.barrier.wait()
        return found

    def _broadcast_array(self, array: Array) -> Array:
        found: Array = self._gather(array)[0]
        return found


def run_in_both(function: Callable[[ThreadGroup], Any]) -> list[Any]:
    """Returns what a function returns or raises in each of two members."""
    given: dict[int, Array] = {}
    answers: list[Any] = [None, None]

    def run(rank: int) -> None:
        group = ThreadGroup(Cluster(rank, 2, "a:1", "the test"))
        group.given = given
        try:
            answers[rank] = function(group)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            answers[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_values_and_bytes_are_those_of_rank_0() -> None:
    values = {"loss": 1 / 3, "accuracy": 1e-300}
    first, second = run_in_both(
        lambda group: group.agree_on(values if group.writes else {"loss": 2.0, "accuracy": 0.0})
    )
    assert first == second == values
    assert run_in_both(lambda group: group.broadcast(b"why" if group.writes else b"")) == [
        b"why",
        b"why",
    ]
    assert run_in_both(lambda group: group.broadcast()) == [b"", b""]


def test_a_flag_in_any_process_counts() -> None:
    assert run_in_both(lambda group: group.any(group.rank == 1)) == [True, True]
    assert run_in_both(lambda group: group.any(False)) == [False, False]


def test_all_stop_after_the_same_step() -> None:
    def last_step(group: ThreadGroup) -> int:
        for step in range(1, 10_000):
            # Rank 1 is asked in the middle, and its steps take another time than those of rank 0.
            if group.asked_to_stop(step, group.rank == 1 and step >= 100):
                return step
        return 0

    first, second = run_in_both(last_step)
    assert first == second >= 100


def test_other_rows_or_settings_end_all() -> None:
    def prepare(group: ThreadGroup) -> str:
        with group.preparing() as facts:
            facts |= {"settings": "a", "training rows": f"rows{group.rank}"}
        return "prepared"

    for error in run_in_both(prepare):
        assert isinstance(error, ConfigError)
        assert "rank 1 has other training rows than rank 0 (rows1, rows0)" in str(error)


def test_a_process_that_cannot_begin_tells_the_others() -> None:
    def prepare(group: ThreadGroup) -> str:
        with group.preparing():
            if group.rank == 1:
                raise DataError("there is no file reviews.csv.")
        return "prepared"

    first, second = run_in_both(prepare)
    assert isinstance(second, DataError)
    assert isinstance(first, RunError)
    assert "rank 1 cannot begin: there is no file reviews.csv" in str(first)
    assert run_in_both(lambda group: prepare(group) if group.rank > 5 else "alone")[0] == "alone"


def test_the_files_of_a_run_reach_the_others(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"{}")
    (tmp_path / "empty").write_bytes(b"")

    def share(group: ThreadGroup) -> tuple[bool, dict[str, bytes]]:
        folder = group.share_files(tmp_path, ("run.json", "empty", "missing"))
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        group.delete_folder()
        return folder.exists(), files

    files = {"run.json": b"{}", "empty": b""}
    # The folder of rank 0 is the run; the other had a temporary one.
    assert run_in_both(share) == [(True, files), (False, files)]


def test_one_process_asks_nobody(tmp_path: Path) -> None:
    group = ProcessGroup()
    assert group.writes
    assert group.broadcast(b"x") == b"x"
    assert group.agree_on({"loss": 1.0}) == {"loss": 1.0}
    assert group.asked_to_stop(1, True)
    assert not group.any(False)
    assert group.run_folder(tmp_path) == group.share_files(tmp_path, ("a",)) == tmp_path
    with group.preparing() as facts:
        assert facts == {}
    with pytest.raises(ValueError, match="Connection"), group.watched():
        raise ValueError("Connection of something else")
    group.leave()


def test_a_failed_exchange_is_a_lost_process() -> None:
    group = ProcessGroup(Cluster(0, 2, "a:1", "the test"))
    with pytest.raises(ValueError, match="shape"), group.watched():
        raise ValueError("wrong shape")
    group.announce(Path("runs/a"))
    lost = "one of the 2 processes .*--resume runs/a --processes 2"
    with pytest.raises(RunError, match=lost), group.watched():
        raise ValueError("UNKNOWN: Gloo all-reduce failed: Connection reset by peer")


def test_solved_recipes_have_no_steps_to_share() -> None:
    model = ModelConfig(builder="ngrams", options={"fit": "solver"})
    config = Config(
        name="a", recipe="text-fast", data=DataConfig(), model=model, train=TrainConfig()
    )
    assert getattr(check_options(model), "solved", False)
    check_cluster(config, None)
    with pytest.raises(ConfigError, match="'text-fast' is solved from all rows .* model.fit=steps"):
        check_cluster(config, Cluster(0, 2, "a:1", "the test"))
