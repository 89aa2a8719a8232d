"""TensorFlow Serving's protobuf messages, built from a table, without TensorFlow.

Names, numbers and types are those of the public ``.proto`` files (tensorflow/serving ``apis`` and
``config``, tensorflow/core, grpc.health.v1), so that bytes and text format mean the same. The table
leaves out fields that a server does not read; protobuf preserves their bytes. The descriptors are
in a pool of their own, so that ``tensorflow-serving-api`` can be loaded in the same process.

Each message is an attribute of this module: ``messages.PredictRequest()``. Its class is built on
first use.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Mapping

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto

_PACKAGES: Mapping[str, str] = {
    "google.protobuf": """
Any: type_url 1 string, value 2 bytes
Int64Value: value 1 int64
StringValue: value 1 string
""",
    "tensorflow": """
TensorShapeProto.Dim: size 1 int64, name 2 string
TensorShapeProto: dim 2 TensorShapeProto.Dim*, unknown_rank 3 bool
TensorProto: dtype 1 DataType, tensor_shape 2 TensorShapeProto, version_number 3 int32,
  tensor_content 4 bytes, float_val 5 float*, double_val 6 double*, int_val 7 int32*,
  string_val 8 bytes*, scomplex_val 9 float*, int64_val 10 int64*, bool_val 11 bool*,
  dcomplex_val 12 double*, half_val 13 int32*, uint32_val 16 uint32*, uint64_val 17 uint64*,
  float8_val 18 bytes
TensorInfo: name 1 string |encoding, dtype 2 DataType, tensor_shape 3 TensorShapeProto
SignatureDef: inputs 1 string->TensorInfo, outputs 2 string->TensorInfo, method_name 3 string
BytesList: value 1 bytes*
FloatList: value 1 float*
Int64List: value 1 int64*
Feature: bytes_list 1 BytesList |kind, float_list 2 FloatList |kind, int64_list 3 Int64List |kind
Features: feature 1 string->Feature
Example: features 1 Features
""",
    "tensorflow.error": "",
    "tensorflow.serving": """
ModelSpec: name 1 string, version 2 Int64Value |version_choice, signature_name 3 string,
  version_label 4 string |version_choice
StatusProto: error_code 1 Code, error_message 2 string
PredictRequest: model_spec 1 ModelSpec, inputs 2 string->TensorProto, output_filter 3 string*
PredictResponse: outputs 1 string->TensorProto, model_spec 2 ModelSpec
ExampleList: examples 1 Example*
ExampleListWithContext: examples 1 Example*, context 2 Example
Input: example_list 1 ExampleList |kind,
  example_list_with_context 2 ExampleListWithContext |kind
Class: label 1 string, score 2 float
Classifications: classes 1 Class*
ClassificationResult: classifications 1 Classifications*
ClassificationRequest: model_spec 1 ModelSpec, input 2 Input
ClassificationResponse: result 1 ClassificationResult, model_spec 2 ModelSpec
Regression: value 1 float
RegressionResult: regressions 1 Regression*
RegressionRequest: model_spec 1 ModelSpec, input 2 Input
RegressionResponse: result 1 RegressionResult, model_spec 2 ModelSpec
InferenceTask: model_spec 1 ModelSpec, method_name 2 string
InferenceResult: model_spec 1 ModelSpec, classification_result 2 ClassificationResult |result,
  regression_result 3 RegressionResult |result
MultiInferenceRequest: tasks 1 InferenceTask*, input 2 Input
MultiInferenceResponse: results 1 InferenceResult*
SignatureDefMap: signature_def 1 string->SignatureDef
GetModelMetadataRequest: model_spec 1 ModelSpec, metadata_field 2 string*
GetModelMetadataResponse: model_spec 1 ModelSpec, metadata 2 string->Any
ModelVersionStatus: version 1 int64, state 2 ModelVersionStatus.State, status 3 StatusProto
GetModelStatusRequest: model_spec 1 ModelSpec
GetModelStatusResponse: model_version_status 1 ModelVersionStatus*
LogCollectorConfig: type 1 string, filename_prefix 2 string
SamplingConfig: sampling_rate 1 double
LoggingConfig: log_collector_config 1 LogCollectorConfig, sampling_config 2 SamplingConfig
FileSystemStoragePathSourceConfig:
FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest: num_versions 1 uint32
FileSystemStoragePathSourceConfig.ServableVersionPolicy.All:
FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific: versions 1 int64*
FileSystemStoragePathSourceConfig.ServableVersionPolicy:
  latest 100 FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest |policy_choice,
  all 101 FileSystemStoragePathSourceConfig.ServableVersionPolicy.All |policy_choice,
  specific 102 FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific |policy_choice
ModelConfig: name 1 string, base_path 2 string, model_type 3 ModelType, model_platform 4 string,
  logging_config 6 LoggingConfig,
  model_version_policy 7 FileSystemStoragePathSourceConfig.ServableVersionPolicy,
  version_labels 8 string->int64
ModelConfigList: config 1 ModelConfig*
ModelServerConfig: model_config_list 1 ModelConfigList |config, custom_model_config 2 Any |config
Metric: name 1 string, int64_value_increase 2 int64 |value_increase
ReloadConfigRequest: config 1 ModelServerConfig, metric_names 2 string*
ReloadConfigResponse: status 1 StatusProto, metric 2 Metric*
BatchingParameters: max_batch_size 1 Int64Value, batch_timeout_micros 2 Int64Value,
  max_enqueued_batches 3 Int64Value, num_batch_threads 4 Int64Value,
  thread_pool_name 5 StringValue, allowed_batch_sizes 6 int64*, pad_variable_length_inputs 7 bool
PrometheusConfig: enable 1 bool, path 2 string
MonitoringConfig: prometheus_config 1 PrometheusConfig
LogMetadata: model_spec 1 ModelSpec, sampling_config 2 SamplingConfig, saved_model_tags 3 string*,
  timestamp_secs 4 int64
ClassifyLog: request 1 ClassificationRequest, response 2 ClassificationResponse
RegressLog: request 1 RegressionRequest, response 2 RegressionResponse
PredictLog: request 1 PredictRequest, response 2 PredictResponse
MultiInferenceLog: request 1 MultiInferenceRequest, response 2 MultiInferenceResponse
PredictionLog: log_metadata 1 LogMetadata, classify_log 2 ClassifyLog |log_type,
  regress_log 3 RegressLog |log_type, multi_inference_log 4 MultiInferenceLog |log_type,
  predict_log 6 PredictLog |log_type
""",
    "grpc.health.v1": """
HealthCheckRequest: service 1 string
HealthCheckResponse: status 1 HealthCheckResponse.ServingStatus
""",
    "grpc.reflection.v1": """
ServerReflectionRequest: host 1 string, file_by_filename 3 string |message_request,
  file_containing_symbol 4 string |message_request,
  file_containing_extension 5 ExtensionRequest |message_request,
  all_extension_numbers_of_type 6 string |message_request, list_services 7 string |message_request
ExtensionRequest: containing_type 1 string, extension_number 2 int32
ServerReflectionResponse: valid_host 1 string, original_request 2 ServerReflectionRequest,
  file_descriptor_response 4 FileDescriptorResponse |message_response,
  all_extension_numbers_response 5 ExtensionNumberResponse |message_response,
  list_services_response 6 ListServiceResponse |message_response,
  error_response 7 ErrorResponse |message_response
FileDescriptorResponse: file_descriptor_proto 1 bytes*
ExtensionNumberResponse: base_type_name 1 string, extension_number 2 int32*
ListServiceResponse: service 1 ServiceResponse*
ServiceResponse: name 1 string
ErrorResponse: error_code 1 int32, error_message 2 string
""",
}
"""One message per line; an indented line continues the one above. A field is ``name number type``:
``*`` marks a repeated field, ``string->T`` a map, ``|name`` a member of the oneof of that name. The
order of messages does not matter."""

DATA_TYPES: Mapping[str, int] = {
    "DT_INVALID": 0,
    "DT_FLOAT": 1,
    "DT_DOUBLE": 2,
    "DT_INT32": 3,
    "DT_UINT8": 4,
    "DT_INT16": 5,
    "DT_INT8": 6,
    "DT_STRING": 7,
    "DT_COMPLEX64": 8,
    "DT_INT64": 9,
    "DT_BOOL": 10,
    "DT_QINT8": 11,
    "DT_QUINT8": 12,
    "DT_QINT32": 13,
    "DT_BFLOAT16": 14,
    "DT_QINT16": 15,
    "DT_QUINT16": 16,
    "DT_UINT16": 17,
    "DT_COMPLEX128": 18,
    "DT_HALF": 19,
    "DT_RESOURCE": 20,
    "DT_VARIANT": 21,
    "DT_UINT32": 22,
    "DT_UINT64": 23,
    "DT_FLOAT8_E5M2": 24,
    "DT_FLOAT8_E4M3FN": 25,
}
"""TensorFlow's element types by name, without those of variables (``_REF``)."""

_CODES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
)

_ENUMS: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("tensorflow", "DataType"): DATA_TYPES,
    ("tensorflow.error", "Code"): {name: number for number, name in enumerate(_CODES)},
    ("tensorflow.serving", "ModelType"): {
        "MODEL_TYPE_UNSPECIFIED": 0,
        "TENSORFLOW": 1,
        "OTHER": 2,
    },
    ("tensorflow.serving", "ModelVersionStatus.State"): {
        "UNKNOWN": 0,
        "START": 10,
        "LOADING": 20,
        "AVAILABLE": 30,
        "UNLOADING": 40,
        "END": 50,
    },
    ("grpc.health.v1", "HealthCheckResponse.ServingStatus"): {
        "UNKNOWN": 0,
        "SERVING": 1,
        "NOT_SERVING": 2,
        "SERVICE_UNKNOWN": 3,
    },
}


def __getattr__(name: str) -> typing.Any:
    table = {message: package for package, message, _ in _lines()}
    if "." in name or name not in table:
        raise AttributeError(f"module {__name__!r} has no message {name!r}")
    described = pool().FindMessageTypeByName(f"{table[name]}.{name}")
    globals()[name] = message_factory.GetMessageClass(described)
    return globals()[name]


def names() -> list[str]:
    """Returns the full name of every message, for example ``tensorflow.serving.ModelSpec``."""
    return [f"{package}.{message}" for package, message, _ in _lines()]


def file_name(package: str) -> str:
    """Returns the name of the file that has a package's messages."""
    return f"modelwright/{package}.proto"


@functools.cache
def pool() -> typing.Any:
    """Returns the descriptor pool of these messages."""
    files = {
        package: descriptor_pb2.FileDescriptorProto(
            name=file_name(package), package=package, syntax="proto3"
        )
        for package in _PACKAGES
    }
    for (package, name), values in _ENUMS.items():
        *outer, own = name.split(".")
        parent = _message(files[package], outer) if outer else files[package]
        enum = parent.enum_type.add(name=own)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    full = {message: f".{package}.{message}" for package, message, _ in _lines()}
    full |= {name: f".{package}.{name}" for package, name in _ENUMS}
    for package, message, fields in _lines():
        described = _message(files[package], message.split("."))
        for field in filter(None, (part.strip() for part in fields.split(","))):
            _add_field(described, f".{package}.{message}", field, full)
    descriptors = descriptor_pool.DescriptorPool()
    for package in ("google.protobuf", "tensorflow", "tensorflow.error"):
        descriptors.Add(files[package])
        files["tensorflow.serving"].dependency.append(files[package].name)
    descriptors.Add(files["tensorflow.serving"])
    descriptors.Add(files["grpc.health.v1"])
    descriptors.Add(files["grpc.reflection.v1"])
    return descriptors


def _lines() -> list[tuple[str, str, str]]:
    """Returns (package, message, fields) for each line of the table."""
    entries = []
    for package, table in _PACKAGES.items():
        for line in table.replace("\n  ", " ").strip().splitlines():
            message, _, fields = line.partition(":")
            entries.append((package, message, fields))
    return entries


def _message(file: typing.Any, path: list[str]) -> typing.Any:
    """Returns the message of that path in a file, and adds it where it is missing."""
    siblings = file.message_type
    for name in path:
        found = next((one for one in siblings if one.name == name), None)
        found = siblings.add(name=name) if found is None else found
        siblings = found.nested_type
    return found


def _add_field(message: typing.Any, message_name: str, field: str, full: Mapping[str, str]) -> None:
    """Adds the field ``name number type``; ``full`` maps each type to its full name."""
    declared, _, oneof = field.partition(" |")
    name, number, kind = declared.split()
    if "->" in kind:
        key, _, value = kind.partition("->")
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, "", f"key 1 {key}", full)
        _add_field(entry, "", f"value 2 {value}", full)
        kind, full = "entry*", {"entry": f"{message_name}.{entry.name}"}
    repeated = kind.endswith("*")
    kind = kind.removesuffix("*")
    added = message.field.add(name=name, number=int(number))
    added.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
    if kind not in full:
        added.type = getattr(_FIELD, f"TYPE_{kind.upper()}")
    else:
        added.type_name = full[kind]
        enums = {f".{package}.{enum}" for package, enum in _ENUMS}
        added.type = _FIELD.TYPE_ENUM if full[kind] in enums else _FIELD.TYPE_MESSAGE
    if oneof:
        oneofs = [known.name for known in message.oneof_decl]
        if oneof not in oneofs:
            message.oneof_decl.add(name=oneof)
            oneofs.append(oneof)
        added.oneof_index = oneofs.index(oneof)
