"""The latency of a trial's network, in this process and in one of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.core.errors import RunError
from modelwright.tuning import latency


@pytest.mark.parametrize("kind", ["text_run", "image_run"])
def test_a_row_takes_milliseconds(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    out = tmp_path / "latency.json"
    latency.write_latency([str(request.getfixturevalue(kind)), str(out)])
    assert 0 < json.loads(out.read_text("utf-8"))["milliseconds"] < 5000


@pytest.mark.slow
def test_it_is_measured_in_a_process_with_one_thread(text_run: Path) -> None:
    assert 0 < latency.measure_latency(text_run) < 5000


@pytest.mark.slow
def test_a_run_that_cannot_be_measured_gives_the_reason(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="latency of .*nowhere cannot be measured: .*nowhere"):
        latency.measure_latency(tmp_path / "nowhere")
