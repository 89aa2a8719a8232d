"""The project's messages, compared with those of ``tensorflow-serving-api``."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import descriptor_pool, text_format

from modelwright.wire import messages

MODULES = [
    "tensorflow_serving.apis.prediction_log_pb2",
    "tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow_serving.apis.model_management_pb2",
    "tensorflow_serving.apis.get_model_status_pb2",
    "tensorflow_serving.config.model_server_config_pb2",
    "google.protobuf.wrappers_pb2",
]
NOT_IN_THE_PACKAGE = {
    "tensorflow.serving.BatchingParameters",
    "tensorflow.serving.PrometheusConfig",
    "tensorflow.serving.MonitoringConfig",
    *(name for name in messages.names() if name.startswith("grpc.")),
}
LEFT_OUT = {
    "tensorflow.TensorProto": {"resource_handle_val", "variant_val"},
    "tensorflow.TensorInfo": {"coo_sparse", "composite_tensor"},
    "tensorflow.SignatureDef": {"defaults"},
    "tensorflow.serving.PredictRequest": {
        "predict_streamed_options",
        "client_id",
        "request_options",
    },
    "tensorflow.serving.PredictionLog": {"predict_streamed_log", "session_run_log"},
    "tensorflow.serving.LogMetadata": {
        "dc",
        "request_origin",
        "request_criticality",
        "safe_aggregation_privacy_key",
    },
    "tensorflow.serving.FileSystemStoragePathSourceConfig": {
        "servables",
        "servable_versions_always_present",
        "fail_if_zero_versions_at_startup",
        "file_system_poll_wait_seconds",
    },
    "tensorflow.serving.SamplingConfig": {"per_task_sampling_configs", "attributes"},
    "tensorflow.serving.LoggingConfig": {"custom_logging_config"},
}


@pytest.fixture(scope="module")
def public() -> Any:
    """The pool with the package's messages."""
    for name in MODULES:
        importlib.import_module(name)
    return descriptor_pool.Default()


def described(field: Any) -> dict[str, Any]:
    """Everything that determines a field's bytes and text."""
    kind = field.message_type or field.enum_type
    return {
        "number": field.number,
        "type": field.type,
        "repeated": field.is_repeated,
        "packed": field.is_packed,
        "of": kind.full_name if kind else None,
        "map": bool(field.message_type and field.message_type.GetOptions().map_entry),
        "oneof": field.containing_oneof.name if field.containing_oneof else None,
        "presence": field.has_presence,
    }


@pytest.mark.parametrize("name", sorted(set(messages.names()) - NOT_IN_THE_PACKAGE))
def test_a_message_equals_the_published_one(public: Any, name: str) -> None:
    ours, theirs = (pool.FindMessageTypeByName(name) for pool in (messages.pool(), public))
    expected = {field.name: described(field) for field in theirs.fields}
    given = {field.name: described(field) for field in ours.fields}
    assert given == {k: v for k, v in expected.items() if k in given}
    assert set(expected) - set(given) == LEFT_OUT.get(name, set())


@pytest.mark.parametrize(
    "name",
    [
        "tensorflow.DataType",
        "tensorflow.error.Code",
        "tensorflow.serving.ModelType",
        "tensorflow.serving.ModelVersionStatus.State",
    ],
)
def test_an_enum_equals_the_published_one(public: Any, name: str) -> None:
    ours, theirs = (pool.FindEnumTypeByName(name) for pool in (messages.pool(), public))
    expected = {value.name: value.number for value in theirs.values}
    given = {value.name: value.number for value in ours.values}
    assert given == {key: expected[key] for key in given}
    left = {
        key
        for key in set(expected) - set(given)
        if not key.endswith("_REF") and not key.startswith(("DO_NOT_USE", "DT_FLOAT8", "DT_FLOAT4"))
    }
    assert left <= {"DT_INT4", "DT_UINT4", "DT_INT2", "DT_UINT2"}


def fill(message: Any) -> None:
    request = message.predict_log.request
    request.model_spec.name = "模型"
    request.model_spec.version.value = 2**40
    request.output_filter.extend(["a", "b"])
    tensor = request.inputs["x"]
    tensor.dtype = 1
    tensor.tensor_shape.dim.add(size=3, name="n")
    tensor.float_val.extend([1.5, -2, 0])
    message.predict_log.response.outputs["y"].string_val.append(b"\xff")
    message.log_metadata.saved_model_tags.append("serve")


def test_bytes_of_one_are_read_by_the_other_in_one_process(public: Any) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    ours, theirs = messages.PredictionLog(), prediction_log_pb2.PredictionLog()
    for message in (ours, theirs):
        fill(message)
    as_ours = messages.PredictionLog.FromString(theirs.SerializeToString(deterministic=True))
    as_theirs = prediction_log_pb2.PredictionLog.FromString(ours.SerializeToString())
    assert (as_ours, as_theirs) == (ours, theirs)
    assert str(as_ours) == str(theirs)
    assert type(as_ours).DESCRIPTOR is not type(theirs).DESCRIPTOR


def test_unknown_fields_are_preserved() -> None:
    from tensorflow_serving.apis import predict_pb2

    theirs = predict_pb2.PredictRequest(client_id=b"me")
    ours = messages.PredictRequest.FromString(theirs.SerializeToString())
    assert predict_pb2.PredictRequest.FromString(ours.SerializeToString()) == theirs


def test_a_oneof_has_one_value() -> None:
    spec = messages.ModelSpec(version_label="stable")
    spec.version.value = 3
    assert (spec.WhichOneof("version_choice"), spec.version_label) == ("version", "")


def test_text_of_a_model_config() -> None:
    config = text_format.Parse(
        """
        model_config_list {
          config {
            name: "half_plus_two"
            base_path: "/models/half_plus_two"
            model_platform: "tensorflow"
            model_version_policy { specific { versions: 1 versions: 5 } }
            version_labels { key: "stable" value: 1 }
            version_labels { key: "canary" value: 5 }
            logging_config {
              log_collector_config { type: "" filename_prefix: "/tmp/x" }
              sampling_config { sampling_rate: 0.1 }
            }
          }
          config: {
            name: 'other', base_path: '/models/other'
            model_version_policy: { latest: { num_versions: 2 } }
          }
          config { name: "third" model_version_policy { all {} } }
        }
        """,
        messages.ModelServerConfig(),
    )
    first, other, third = config.model_config_list.config
    assert dict(first.version_labels) == {"stable": 1, "canary": 5}
    assert list(first.model_version_policy.specific.versions) == [1, 5]
    assert other.model_version_policy.latest.num_versions == 2
    assert third.model_version_policy.WhichOneof("policy_choice") == "all"
    with pytest.raises(text_format.ParseError, match=r'2:.*no field named "nam"'):
        text_format.Parse(
            "model_config_list {\n config { nam: 'x' } }", messages.ModelServerConfig()
        )


def test_text_of_batching_parameters_and_monitoring() -> None:
    given = text_format.Parse(
        "max_batch_size { value: 128 } batch_timeout_micros { value: 0 }"
        " max_enqueued_batches { value: 10 } num_batch_threads { value: 8 }"
        " thread_pool_name { value: 'p' } allowed_batch_sizes: 1 allowed_batch_sizes: 128",
        messages.BatchingParameters(),
    )
    assert (given.max_batch_size.value, given.thread_pool_name.value) == (128, "p")
    assert given.HasField("batch_timeout_micros")
    assert list(given.allowed_batch_sizes) == [1, 128]
    prometheus = "prometheus_config { enable: true path: '/metrics' }"
    monitoring = text_format.Parse(prometheus, messages.MonitoringConfig())
    assert monitoring.prometheus_config.path == "/metrics"


def test_an_any_names_the_public_type() -> None:
    from tensorflow_serving.apis import get_model_metadata_pb2

    signatures = messages.SignatureDefMap()
    signatures.signature_def["serving_default"].method_name = "tensorflow/serving/predict"
    answer = messages.GetModelMetadataResponse()
    answer.metadata["signature_def"].Pack(signatures)
    read = get_model_metadata_pb2.GetModelMetadataResponse.FromString(answer.SerializeToString())
    unpacked = get_model_metadata_pb2.SignatureDefMap()
    assert read.metadata["signature_def"].Unpack(unpacked)
    assert "serving_default" in unpacked.signature_def


def test_a_health_check_has_the_published_numbers() -> None:
    assert messages.HealthCheckRequest(service="m").SerializeToString() == b"\x0a\x01m"
    answer = messages.HealthCheckResponse(status=messages.HealthCheckResponse.SERVING)
    assert answer.SerializeToString() == b"\x08\x01"


def test_an_unknown_message_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no message 'PredictRequst'"):
        _ = messages.PredictRequst


def test_tensorflow_is_not_loaded() -> None:
    code = (
        "import sys; from modelwright.wire import messages, tensors, records;"
        "from modelwright.servable import warmup;"
        "messages.PredictionLog(); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
