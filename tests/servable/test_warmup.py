"""Warm-up requests: TensorFlow reads those that are written, and those of others are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.errors import ServableError
from modelwright.servable import warmup
from modelwright.wire import messages, tensors
from modelwright.wire.records import write_records


@pytest.mark.parametrize(
    ("rows", "task", "name"),
    [(["好", "b", ""], "text", "input_text"), ([b"\xff\x00", b"\x00"], "image", "image_bytes")],
)
def test_requests_are_those_of_tensorflow(tmp_path: Path, rows, task, name) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    path = tmp_path / warmup.WARMUP
    warmup.write(path, "m", rows, task)
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
    first, all_rows = warmup.read(path)
    raw = [row.encode() if isinstance(row, str) else row for row in rows]
    assert tensors.to_array(first.inputs[name]).tolist() == raw[:1]
    assert tensors.to_array(all_rows.inputs[name]).tolist() == raw


def test_other_methods_are_left_out_but_count(tmp_path: Path) -> None:
    log, other = messages.PredictionLog(), messages.PredictionLog()
    log.predict_log.request.model_spec.name = "m"
    other.classify_log.request.model_spec.name = "m"
    path = tmp_path / "requests"
    write_records(path, [log.SerializeToString(), other.SerializeToString()])
    assert [request.model_spec.name for request in warmup.read(path, most=2)] == ["m"]
    with pytest.raises(ServableError, match="more than 1 records"):
        warmup.read(path, most=1)


def test_what_is_no_file_of_requests(tmp_path: Path) -> None:
    path = tmp_path / "requests"
    with pytest.raises(ServableError, match="cannot be read: .*No such file"):
        warmup.read(path)
    path.write_bytes(b"x" * 40)
    with pytest.raises(ServableError, match="record 0 of .* wrong checksum"):
        warmup.read(path)
    write_records(path, [b"\xff\xff\xff"])
    with pytest.raises(ServableError, match="cannot be read"):
        warmup.read(path)
