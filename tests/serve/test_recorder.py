"""Recorded answers: what the files hold, their bounds, and a disk that fails."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow.parquet as paparquet
import pytest
from observed_server import ObservedServer
from small_servables import COLORS, png

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.load import load_data
from modelwright.serve.config import RecordSettings, ServeConfig, check_config
from modelwright.serve.service import recorder as recorder_module
from modelwright.serve.service.metrics import Metrics
from modelwright.serve.service.recorded_files import RecordedFiles, RecordedRows, folder_name
from modelwright.serve.service.recorder import Recorder

Cli = Callable[..., tuple[int, str, str]]
Start = Callable[..., Recorder]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ObservedServer]:
    started = ObservedServer(tmp_path)
    yield started
    started.close()


@pytest.fixture
def start(tmp_path: Path, server: ObservedServer) -> Iterator[Start]:
    """Starts to record what the server answers; at the end every recorder is closed."""
    started: list[Recorder] = []

    def begin(**settings: Any) -> Recorder:
        record = RecordSettings(str(tmp_path / "recorded"), **settings)
        found = Recorder(record, server.metrics)
        started.append(found)
        server.observe(found.add)
        return found

    yield begin
    for one in started:
        one.close()


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder of recorded files, the oldest first."""
    return [row for path in files_of(folder) for row in paparquet.read_table(path).to_pylist()]


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def probabilities_of(row: dict[str, Any]) -> dict[str, float]:
    """The probability of each class of a recorded row."""
    return dict(zip(row["classes"], row["probabilities"], strict=True))


def some_rows(count: int, text: bytes = b"wonderful", at: int = 0) -> RecordedRows:
    """Rows of a model with two classes, answered at a second."""
    probabilities = np.full((count, 2), 0.5, np.float32)
    return RecordedRows("text", 1, ("neg", "pos"), [text] * count, probabilities, at * 10**9)


def test_recorded_rows_are_what_was_asked_and_answered_over_either_protocol(
    tmp_path: Path, server: ObservedServer, start: Start, small_text_servable: Path
) -> None:
    server.add(small_text_servable, "sentiment")
    recorder = start()
    asked = ["wonderful 很 好", "dreadful", "this", 'quotes " and\nlines', "boring \U0001f600"]
    before = datetime.now(UTC)
    predictions = server.predict("sentiment", *asked[:2]).json["predictions"]
    filtered = server.predict_over_grpc("sentiment", *asked[2:4])
    classified = server.classify("sentiment", asked[4]).json["results"]
    recorder.close()

    rows = rows_of(tmp_path / "recorded" / "sentiment")
    assert [row["text"] for row in rows] == asked
    assert [probabilities_of(row) for row in rows[:2]] == [
        dict(zip(("neg", "pos"), map(np.float32, one["probabilities"]), strict=True))
        for one in predictions
    ]
    # A client that asks for one output only is recorded with all probabilities.
    assert list(filtered.outputs) == ["label"]
    labels = [value.decode() for value in filtered.outputs["label"].string_val]
    assert [row["predicted"] for row in rows[2:4]] == labels
    assert probabilities_of(rows[4]) == {k: np.float32(v) for k, v in classified[0]}
    for row in rows:
        assert row["confidence"] == max(probabilities_of(row).values())
        assert probabilities_of(row)[row["predicted"]] == row["confidence"]
        assert (row["label"], row["model"], row["version"]) == (None, "sentiment", 1)
        assert before <= row["time"] <= datetime.now(UTC)
    assert 'record_count{model_name="sentiment"} 5' in server.metrics.render()


def test_images_are_recorded_as_the_files_that_were_sent(
    tmp_path: Path, server: ObservedServer, start: Start, small_image_servable: Path
) -> None:
    server.add(small_image_servable, "colors")
    recorder = start()
    images = [png(color, 40) for color in COLORS.values()]
    answers = server.predict("colors", *images).json["predictions"]
    recorder.close()
    rows = rows_of(tmp_path / "recorded" / "colors")
    assert [row["image"] for row in rows] == images
    assert [row["predicted"] for row in rows] == [one["label"] for one in answers]


def test_files_hold_nothing_about_the_client(
    tmp_path: Path, server: ObservedServer, start: Start, small_text_servable: Path
) -> None:
    server.add(small_text_servable, "sentiment")
    recorder = start()
    body = json.dumps({"instances": ["good"]}).encode()
    headers = {"authorization": "Bearer s3cret-key-of-a-client", "x-request-id": "id-of-a-client"}
    server.send("POST", "/v1/models/sentiment:predict", body, headers)
    recorder.close()
    (path,) = files_of(tmp_path / "recorded" / "sentiment")
    assert paparquet.read_schema(path).names == [
        *("text", "label", "predicted", "confidence", "probabilities", "classes"),
        *("model", "version", "time"),
    ]
    content = path.read_bytes()
    assert not any(secret in content for secret in (b"s3cret", b"id-of-a-client", b"10.0.0.7"))
    assert path.parent.stat().st_mode & 0o077 == 0


def test_refused_requests_and_prepared_rows_are_not_recorded(
    tmp_path: Path,
    server: ObservedServer,
    start: Start,
    small_text_servable: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.add(small_text_servable, "sentiment")
    recorder = start()
    path = "/v1/models/sentiment:predict"
    assert server.send("POST", path, b'{"instances": [3]}').status == 400
    prepared = b'{"signature_name": "ids", "instances": [[2,0,0,0,0,0,0,0,0,0,0,0]]}'
    with caplog.at_level(logging.WARNING, "modelwright.serve"):
        for _ in range(2):
            assert server.send("POST", path, prepared).status == 200
            reply = server.send("POST", "/v1/models/half:predict", b'{"instances": [2]}')
            assert reply.status == 200
    recorder.close()
    assert not (tmp_path / "recorded").exists()
    text = server.metrics.render()
    dropped = ":modelwright:serving:record_dropped_count"
    assert f'{dropped}{{model_name="sentiment",reason="prepared_input"}} 2' in text
    assert f'{dropped}{{model_name="half",reason="foreign_model"}} 2' in text
    assert len(caplog.messages) == 2


def test_versions_with_other_labels_share_the_files_of_their_model(tmp_path: Path) -> None:
    files = RecordedFiles(tmp_path, "m", rows=100, size=2**20, files=10)
    other = some_rows(2)._replace(
        version=2, labels=("neg", "pos", "new"), probabilities=np.eye(2, 3, dtype=np.float32)
    )
    files.write([some_rows(1), other])
    rows = rows_of(tmp_path / "m")
    assert [row["version"] for row in rows] == [1, 2, 2]
    assert probabilities_of(rows[0]) == {"neg": 0.5, "pos": 0.5}
    assert probabilities_of(rows[2]) == {"neg": 0.0, "pos": 1.0, "new": 0.0}


def test_texts_and_images_of_a_model_never_share_a_file(tmp_path: Path) -> None:
    recorder = Recorder(RecordSettings(str(tmp_path)), Metrics())
    images = some_rows(2)._replace(task="image", version=2)
    recorder._queue.extend([("m", some_rows(1)), ("m", images), ("m", some_rows(1))])
    recorder.close()
    files = [paparquet.read_table(path).to_pydict() for path in files_of(tmp_path / "m")]
    assert sorted((file.get("text") or [], file.get("image") or []) for file in files) == [
        ([], [b"wonderful"] * 2),
        (["wonderful"] * 2, []),
    ]


def test_a_share_of_the_rows_is_recorded(
    tmp_path: Path, server: ObservedServer, start: Start, small_text_servable: Path
) -> None:
    server.add(small_text_servable, "sentiment")
    recorder = start(share=0.25)
    texts = [f"good {number}" for number in range(1000)]
    server.predict("sentiment", *texts)
    recorder.close()
    found = [row["text"] for row in rows_of(tmp_path / "recorded" / "sentiment")]
    assert 150 < len(found) < 350 and found == [text for text in texts if text in set(found)]


def test_a_full_queue_drops_rows_that_are_counted_and_logged(
    tmp_path: Path,
    server: ObservedServer,
    start: Start,
    small_text_servable: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder_module, "_SECONDS", 3600.0)
    server.add(small_text_servable, "sentiment")
    recorder = start(queue=3)
    with caplog.at_level(logging.WARNING, "modelwright.serve"):
        assert server.predict("sentiment", "a", "b").status == 200
        assert server.predict("sentiment", "c", "d").status == 200
        assert server.predict("sentiment", "e").status == 200
        recorder.close()
    assert [row["text"] for row in rows_of(tmp_path / "recorded" / "sentiment")] == ["a", "b", "e"]
    assert 'record_dropped_count{model_name="sentiment",reason="queue_full"} 2' in (
        server.metrics.render()
    )
    assert caplog.messages == [
        "2 rows were not recorded: more than --record-queue 3 rows or 64 MiB waited"
    ]


def test_files_are_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    def deleted(rows: int = 10**6, size: int = 2**30, files: int = 100) -> int:
        bounded = RecordedFiles(tmp_path, "m", rows=rows, size=size, files=files)
        return bounded.write([some_rows(10)])

    labeled = tmp_path / "m" / "labeled.parquet"
    assert sum(deleted() for _ in range(5)) == 0
    labeled.touch()  # a file of the user's
    first = files_of(tmp_path / "m")[0]
    assert deleted(files=5) == 1 and not first.exists()
    assert deleted(rows=30) == 3
    size = files_of(tmp_path / "m")[0].stat().st_size
    assert deleted(size=int(2.5 * size)) == 2
    assert len(files_of(tmp_path / "m")) == 3 and labeled.exists()


def test_many_rows_become_several_whole_files(tmp_path: Path, server: ObservedServer) -> None:
    metrics = Metrics()
    settings = RecordSettings(str(tmp_path), rows=100, size=100_000)
    recorder = Recorder(settings, metrics)
    recorder._queue.extend([("m", some_rows(25)), ("m", some_rows(3, b"x" * 6_000))])
    recorder.close()
    files = files_of(tmp_path / "m")
    counts = [paparquet.read_metadata(path).num_rows for path in files]
    # At most ten rows, or 10,000 bytes of texts and the text that reaches them.
    assert counts == [10, 10, 7, 1]
    assert [
        int(path.stem.split("-")[-1].removesuffix("rows")) for path in files_of(tmp_path / "m")
    ] == counts


def test_what_a_killed_server_left_half_written_is_removed_after_a_while(tmp_path: Path) -> None:
    files = RecordedFiles(tmp_path, "m", rows=100, size=2**20, files=10)
    files.write([some_rows(1)])
    old, new, other = (
        tmp_path / "m" / name
        for name in (
            ".20260101T000000000000Z-7-5rows.parquet.abc",
            ".20260101T000000000001Z-7-5rows.parquet.abc",
            ".others",
        )
    )
    for path in (old, new, other):
        path.touch()
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    files.write([some_rows(1)])
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


def test_few_rows_are_written_after_a_while(
    tmp_path: Path, server: ObservedServer, start: Start, small_text_servable: Path
) -> None:
    server.add(small_text_servable, "sentiment")
    start(seconds=0.01)
    server.predict("sentiment", "good")
    end = time.monotonic() + 10
    while not files_of(tmp_path / "recorded" / "sentiment") and time.monotonic() < end:
        time.sleep(0.02)
    assert len(rows_of(tmp_path / "recorded" / "sentiment")) == 1


def test_a_full_disk_stops_the_recording_and_nothing_else(
    tmp_path: Path,
    server: ObservedServer,
    start: Start,
    small_text_servable: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.add(small_text_servable, "sentiment")

    def write(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordedFiles, "write", write)
    recorder = start(rows=20)  # so that a file has two rows
    with caplog.at_level(logging.WARNING, "modelwright.serve"):
        assert server.predict("sentiment", "a", "b", "c", "d", "e").status == 200
        end = time.monotonic() + 10
        while not caplog.messages and time.monotonic() < end:
            time.sleep(0.02)
        assert server.predict("sentiment", "f").status == 200
        recorder.close()
    assert caplog.messages == [
        f"recording to {tmp_path / 'recorded'} has stopped: No space left on device; answers are"
        " given as before, and are recorded again after a restart"
    ]
    text = server.metrics.render()
    assert ":modelwright:serving:record_stopped 1" in text
    assert 'record_dropped_count{model_name="sentiment",reason="stopped"} 6' in text
    assert "record_count{" not in text


@pytest.mark.parametrize(
    "name", ["..", ".", ".hidden", "a\\..\\b", "好" * 100, "plain name", "评论"]
)
def test_no_name_of_a_model_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    RecordedFiles(tmp_path / "all", name, rows=9, size=2**20, files=9).write([some_rows(1)])
    (found,) = (tmp_path / "all").iterdir()
    assert found.name == folder_name(name) and len(files_of(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["all"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.0}, "--record-share was given 0; expected more than 0, at most 1"),
        ({"share": 1.5}, "--record-share was given 1.5"),
        ({"share": float("nan")}, "--record-share was given nan"),
        ({"rows": 0}, "--record-max-rows was given 0; expected more than 0"),
        ({"files": -1}, "--record-max-files was given -1"),
        ({"queue": 0}, "--record-queue was given 0"),
        ({"seconds": float("nan")}, "--record-seconds was given nan"),
        ({"seconds": float("inf")}, "--record-seconds was given inf; expected at most 1,000,000"),
        ({"size": 2**20}, "--record-max-size was given 1, in MiB; expected at least 40, twice"),
        ({"folder": "models/recorded"}, "shares a folder with the models in .*models; expected"),
        ({"folder": "."}, "shares a folder with the models"),
        ({"folder": "file/recorded"}, "file/recorded, which cannot be written: Not a directory"),
        ({"folder": "file"}, "which cannot be written: File exists; expected a folder"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_recorded_with_are_refused_at_the_start(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "file").touch()
    folder = tmp_path / settings.pop("folder", "recorded")
    record = RecordSettings(str(folder), **settings)
    with pytest.raises(ConfigError, match=message):
        check_config(ServeConfig(str(tmp_path / "models"), record=record))


def test_the_folder_is_made_and_the_settings_mean_the_same_in_another_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "models").mkdir()
    record = RecordSettings(str(tmp_path / "a" / "b"), share=0.5)
    config = check_config(ServeConfig(str(tmp_path / "models"), record=record, drift_window=7))
    assert (tmp_path / "a" / "b").is_dir()
    assert ServeConfig.from_json(config.to_json()) == config


def test_options_about_recording_need_the_folder(cli: Cli, tmp_path: Path) -> None:
    assert ServeConfig(str(tmp_path)).record is None
    code, _, error = cli("serve", tmp_path, "--record-share", 0.5)
    assert code == 2
    assert "--record-share is about recorded answers; give --record FOLDER, too" in error
    code, _, error = cli("serve", tmp_path, "--record", tmp_path / "r", "--record-share", 2)
    assert code == 2 and "--record-share was given 2; expected more than 0, at most 1" in error


def test_recorded_rows_can_be_scored_and_once_labeled_learned(
    tmp_path: Path,
    server: ObservedServer,
    start: Start,
    small_text_servable: Path,
    small_image_servable: Path,
    cli: Cli,
) -> None:
    server.add(small_text_servable, "sentiment")
    server.add(small_image_servable, "colors")
    recorder = start(seconds=0.01)
    texts = [f"{word} number {number}" for number in range(4) for word in ("wonderful", "boring")]
    server.predict("sentiment", *texts)
    images = [png(color, 20 + number) for number in range(2) for color in COLORS.values()]
    server.predict("colors", *images)
    recorder.close()
    folder = tmp_path / "recorded"

    code, _, error = cli(
        *("predict", small_text_servable, folder / "sentiment", "--output", tmp_path / "out.csv")
    )
    assert code == 0, error
    header, *lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert header.startswith("text,label,predicted,confidence,") and len(lines) == len(texts)
    assert "predicted_label" in header  # next to what was answered then

    with pytest.raises(DataError, match="label"):
        load_data(DataConfig(source=str(folder / "sentiment"), val=0, test=0))
    for name, values in (("sentiment", texts), ("colors", images)):
        for path in files_of(folder / name):
            frame = pandas.read_parquet(path)  # as a person would label
            frame["label"] = frame["predicted"].where(frame.index != 0)
            frame.to_parquet(path)
        data = load_data(DataConfig(source=str(folder / name), val=0, test=0))
        assert data.counts()["train"] == len(values) - len(files_of(folder / name))
        assert len(data.rejected) == len(files_of(folder / name))
