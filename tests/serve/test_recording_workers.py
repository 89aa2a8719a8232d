"""Recorded answers and gauges of a server with two workers, one of which is killed."""

from __future__ import annotations

import os
import re
import signal
from http.client import HTTPException
from pathlib import Path

import pyarrow.parquet as paparquet
import pytest
from observed_server import text_reference
from server_process import Client, serving, until
from small_servables import write_text_servable


def ask(client: Client, text: str) -> bool:
    """Whether the server answered; a killed worker may take its connections along."""
    try:
        return client.ask("sentiment:predict", {"instances": [text]}).status == 200
    except (OSError, HTTPException):
        return False


def shown(client: Client, name: str) -> float:
    """The value of a metric of the model; 0 if there is none."""
    text = client.get("/monitoring/prometheus/metrics").content.decode()
    found = re.findall(
        rf'^:modelwright:serving:{name}{{model_name="sentiment".*}} (.*)$', text, re.M
    )
    return float(found[0]) if found else 0.0


@pytest.mark.slow
def test_workers_write_files_of_their_own_and_a_kill_leaves_whole_ones(tmp_path: Path) -> None:
    models, recorded = tmp_path / "models", tmp_path / "recorded"
    write_text_servable(models / "sentiment" / "1", {"reference.json": text_reference()})
    options = ("--workers", 2, "--record", recorded, "--record-seconds", 0.2)
    answered: list[str] = []

    def workers() -> set[int]:
        names = [path.name for path in recorded.rglob("*.parquet")]
        return {int(name.split("-")[1]) for name in names}

    def ask_more() -> None:
        text = f"wonderful {len(answered)}"
        if ask(client, text):
            answered.append(text)

    with serving(models, tmp_path, *options) as client:

        def both_write() -> bool:
            ask_more()
            return len(workers()) == 2

        until(both_write)
        until(lambda: shown(client, "record_count") == len(answered))
        until(lambda: shown(client, "drift_rows") > 0)
        assert shown(client, "drift_class_share") in (0.0, 1.0)
        os.kill(min(workers()), signal.SIGKILL)

        def another_writes() -> bool:
            ask_more()
            return len(workers()) == 3

        until(another_writes)
    tables = [paparquet.read_table(path) for path in recorded.rglob("*.parquet")]
    texts = [text for table in tables for text in table.column("text").to_pylist()]
    # The killed worker had at most what it was asked just before; the others write when they stop.
    assert len(set(texts)) == len(texts) and set(texts) <= set(answered)
    assert len(texts) >= len(answered) - 5
    assert not list(recorded.rglob(".*"))
