"""The gauges of drift: they follow the requests, next to their reference, at little cost."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from observed_server import TEXT_VALUES, ObservedServer, text_reference
from small_servables import write_text_servable

from modelwright.core.errors import ConfigError
from modelwright.serve.config import ServeConfig, check_config
from modelwright.serve.service import drift_gauges
from modelwright.serve.service.drift_gauges import DriftGauges
from modelwright.serve.service.metrics import DRIFT_MEAN, DRIFT_ROWS, Metrics, SharedMetrics

Cli = Callable[..., tuple[int, str, str]]
GOOD_TEXTS = ("wonderful delightful", "wonderful 很 film", "好", "this delightful")
BAD_TEXTS = ("dreadful dull weak awful plain script", "坏 unseen words here everywhere")


class Watched(ObservedServer):
    """A server with gauges, which the test brings up to date."""

    def __init__(self, folder: Path, window: int = 1_000) -> None:
        super().__init__(folder)
        self.gauges = DriftGauges(self.manager, self.metrics, window)
        self.gauges._thread = drift_gauges.threading.current_thread()  # reads the sample itself
        self.observe(self.gauges.add)

    def ask(self, model: str, *rows: str) -> None:
        """Asks about texts one by one, and lets the gauges read them."""
        for row in rows:
            assert self.predict(model, row).status == 200
            self.gauges.read_sample()

    def shown(self, name: str, **labels: str) -> list[float]:
        """The values of a gauge with these labels."""
        self.gauges.collect()
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        found = re.findall(
            rf"^:modelwright:serving:{name}\{{(.*)\}} (.*)$", self.metrics.render(), re.M
        )
        return [float(value) for given, value in found if wanted <= set(given.split(","))]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Watched]:
    started = Watched(tmp_path)
    yield started
    started.close()


@pytest.fixture(scope="module")
def referenced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of the small classifier of texts, with a reference."""
    folder = tmp_path_factory.mktemp("referenced") / "1"
    return write_text_servable(folder, {"reference.json": text_reference()})


def test_gauges_move_when_requests_shift_and_stand_next_to_their_reference(
    server: Watched, referenced: Path
) -> None:
    server.add(referenced, "sentiment")
    where = {"model_name": "sentiment", "version": "1"}
    assert server.shown("drift_rows", **where) == [0]
    assert server.shown("drift_class_share_reference", **where, label="pos") == [0.75]
    assert server.shown("drift_mean", **where) == []  # no answer yet

    server.ask("sentiment", *GOOD_TEXTS)
    assert server.shown("drift_rows", **where) == [4]
    assert server.shown("drift_class_share", **where, label="pos") == [1]
    (length,) = server.shown("drift_mean", **where, quantity="length")
    assert length == np.mean([len(text) for text in GOOD_TEXTS])
    (unknown,) = server.shown("drift_mean", **where, quantity="unknown")
    assert unknown == pytest.approx(np.mean([0, 1 / 3, 0, 1 / 2]))
    for quantity, values in TEXT_VALUES.items():
        reference = server.shown("drift_mean_reference", **where, quantity=quantity)
        assert reference == [pytest.approx(np.mean(values))]
    before = {
        quantity: server.shown("drift_distance", **where, quantity=quantity)[0]
        for quantity in ("classes", "unknown", "confidence")
    }
    assert before["classes"] == pytest.approx(0.25)

    server.ask("sentiment", *BAD_TEXTS * 6)
    assert server.shown("drift_class_share", **where, label="pos") == [4 / 16]
    assert server.shown("drift_mean", **where, quantity="unknown")[0] > 2 * unknown
    assert server.shown("drift_distance", **where, quantity="classes") == [pytest.approx(0.5)]
    after = server.shown("drift_distance", **where, quantity="unknown")[0]
    assert after > before["unknown"] + 0.2


def test_the_window_holds_the_last_answers_only(tmp_path: Path, referenced: Path) -> None:
    server = Watched(tmp_path, window=3)
    try:
        server.add(referenced, "sentiment")
        server.ask("sentiment", *GOOD_TEXTS, *BAD_TEXTS)
        assert server.shown("drift_rows") == [3]
        assert server.shown("drift_class_share", label="neg") == [pytest.approx(2 / 3)]
    finally:
        server.close()


def test_a_version_without_a_reference_has_no_gauges(
    server: Watched, small_text_servable: Path
) -> None:
    server.add(small_text_servable, "plain")
    server.ask("plain", "good")
    server.send("POST", "/v1/models/half:predict", b'{"instances": [2]}')
    assert not server.gauges._sample
    server.gauges.collect()
    assert "drift" not in server.metrics.render()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"format": 99}', "has format 99"),
        (text_reference().replace(b'"pos"', b'"good"'), "its reference is of another model"),
    ],
)
def test_a_reference_that_does_not_fit_costs_the_gauges_and_not_the_version(
    tmp_path: Path,
    server: Watched,
    caplog: pytest.LogCaptureFixture,
    content: bytes,
    reason: str,
) -> None:
    server.add(write_text_servable(tmp_path / "odd", {"reference.json": content}), "odd")
    server.ask("odd", "good")
    assert server.shown("drift_rows") == []
    assert "has no gauges of drift: " in caplog.text and reason in caplog.text


def test_each_version_has_its_own_window_and_takes_it_along(
    tmp_path: Path, server: Watched, referenced: Path
) -> None:
    server.add(referenced, "sentiment")
    other = write_text_servable(tmp_path / "2", {"reference.json": text_reference((3, 1))})
    server.ask("sentiment", *GOOD_TEXTS)
    server.add(other, "sentiment", 2)
    server.ask("sentiment", *BAD_TEXTS)
    # By default only the newest version answers, and the other is unloaded.
    assert server.shown("drift_rows", version="1") == []
    assert server.shown("drift_rows", version="2") == [2]
    assert server.shown("drift_class_share_reference", label="pos") == [0.25]


def test_answers_of_a_version_that_left_meanwhile_are_not_counted(
    tmp_path: Path, server: Watched, referenced: Path
) -> None:
    server.add(referenced, "sentiment")
    assert server.predict("sentiment", "good").status == 200
    server.add(
        write_text_servable(tmp_path / "2", {"reference.json": text_reference()}), "sentiment", 2
    )
    server.gauges.read_sample()
    assert server.shown("drift_rows") == [0]


def test_of_many_answers_a_bounded_sample_is_read(server: Watched, referenced: Path) -> None:
    server.add(referenced, "sentiment")
    texts = [text for text in GOOD_TEXTS for _ in range(250)]
    assert server.predict("sentiment", *texts).status == 200
    assert server.predict("sentiment", "x" * 2**20).status == 200
    sample = server.gauges._sample
    assert len(sample) == drift_gauges._ROWS
    assert len({row.value for row in sample} & {text.encode() for text in GOOD_TEXTS}) > 2
    assert server.gauges._size == sum(len(row.value) for row in sample)
    server.gauges.read_sample()
    assert 1 <= server.shown("drift_rows")[0] <= drift_gauges._ROWS
    assert not server.gauges._sample and server.gauges._size == 0


def test_the_thread_reads_what_was_answered(
    tmp_path: Path, server: Watched, referenced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift_gauges, "_SECONDS", 0.01)
    server.add(referenced, "sentiment")
    server.gauges._thread = None
    assert server.classify("sentiment", "wonderful").status == 200
    end = time.monotonic() + 10
    while server.shown("drift_rows") == [0] and time.monotonic() < end:
        time.sleep(0.01)
    assert server.shown("drift_rows") == [1]
    thread = server.gauges._thread
    server.gauges.close()
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()


def test_workers_add_up_their_rows_and_average_what_they_show(tmp_path: Path) -> None:
    where = {"model_name": "a", "version": "1"}
    other, own = Metrics(), Metrics()
    for metrics, rows, mean in ((other, 3, 0.9), (own, 1, 0.5)):
        metrics.gauge(DRIFT_ROWS, rows, **where)
        metrics.average(DRIFT_MEAN, mean, rows, **where, quantity="confidence")
    SharedMetrics(other, tmp_path, str(os.getpid())).write()
    text = SharedMetrics(own, tmp_path, "own").render()
    labels = 'model_name="a",version="1"'
    assert f"# TYPE {DRIFT_MEAN} gauge" in text
    assert f"{DRIFT_ROWS}{{{labels}}} 4\n" in text
    (mean,) = re.findall(rf'{DRIFT_MEAN}{{{labels},quantity="confidence"}} (.*)', text)
    assert float(mean) == pytest.approx(0.8)


def test_the_window_can_be_chosen_and_switched_off(cli: Cli, tmp_path: Path) -> None:
    assert ServeConfig(str(tmp_path)).drift_window == 1_000
    assert check_config(ServeConfig(str(tmp_path), drift_window=0))
    with pytest.raises(ConfigError, match="--drift-window was given -1; expected 0 to 1,000,000"):
        check_config(ServeConfig(str(tmp_path), drift_window=-1))
    code, _, error = cli("serve", tmp_path, "--drift-window", 10**7)
    assert code == 2 and "--drift-window was given 10000000" in error
