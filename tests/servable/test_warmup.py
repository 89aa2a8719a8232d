"""Warm-up requests: TensorFlow reads what Modelwright writes, and the other way round."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.errors import ServableError
from modelwright.servable.warmup import WARMUP, read_warmup_requests, write_warmup_requests
from modelwright.wire import messages, tensors
from modelwright.wire.records import write_records


@pytest.mark.parametrize(
    ("rows", "task", "name"),
    [(["好", "b", ""], "text", "input_text"), ([b"\xff\x00", b"\x00"], "image", "image_bytes")],
)
def test_requests_are_those_that_tensorflow_writes(tmp_path: Path, rows, task, name) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    path = tmp_path / WARMUP
    write_warmup_requests(path, "m", rows, task)
    expected = []
    for batch in (rows[:1], rows):
        log = prediction_log_pb2.PredictionLog()
        log.predict_log.request.model_spec.name = "m"
        log.predict_log.request.model_spec.signature_name = "serving_default"
        tensor = tf.make_tensor_proto(batch, tf.string, [len(batch)])
        log.predict_log.request.inputs[name].CopyFrom(tensor)
        expected.append(log)
    written = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    assert [prediction_log_pb2.PredictionLog.FromString(record) for record in written] == expected
    first, all_rows = read_warmup_requests(path)
    raw = [row.encode() if isinstance(row, str) else row for row in rows]
    assert tensors.to_array(first.inputs[name]).tolist() == raw[:1]
    assert tensors.to_array(all_rows.inputs[name]).tolist() == raw


def test_records_of_other_methods_are_skipped_but_count(tmp_path: Path) -> None:
    log, other = messages.PredictionLog(), messages.PredictionLog()
    log.predict_log.request.model_spec.name = "m"
    other.classify_log.request.model_spec.name = "m"
    path = tmp_path / "requests"
    write_records(path, [log.SerializeToString(), other.SerializeToString()])
    assert [request.model_spec.name for request in read_warmup_requests(path, most=2)] == ["m"]
    with pytest.raises(ServableError, match="more than 1 records"):
        read_warmup_requests(path, most=1)


def test_a_file_that_is_not_warmup_requests_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "requests"
    with pytest.raises(ServableError, match="cannot be read: .*No such file"):
        read_warmup_requests(path)
    path.write_bytes(b"x" * 40)
    with pytest.raises(ServableError, match="record 0 of .* wrong checksum"):
        read_warmup_requests(path)
    write_records(path, [b"\xff\xff\xff"])
    with pytest.raises(ServableError, match="cannot be read"):
        read_warmup_requests(path)
