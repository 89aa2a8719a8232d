"""The methods of ``PredictionService``: predict, classify, regress, multi-inference, metadata."""

from __future__ import annotations

from typing import Any

from modelwright.serve.errors import Refused
from modelwright.serve.grpc.conversion import (
    examples_of,
    fill_classes,
    fill_spec,
    fill_values,
    inputs_of,
    target_of,
)
from modelwright.serve.lifecycle.servable import CLASSIFY, DEFAULT, REGRESS
from modelwright.serve.service.descriptions import signature_map
from modelwright.serve.service.service import Service
from modelwright.wire import messages, tensors

PREDICTION = "tensorflow.serving.PredictionService"
_METADATA = "signature_def"
_ANY = "type.googleapis.com/"


class PredictionMethods:
    """Each method takes a request and a deadline on ``time.monotonic()``'s clock."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def predict(self, request: Any, deadline: float) -> Any:
        """Answers a ``PredictRequest``."""
        target = target_of(request.model_spec)
        inputs = inputs_of(request, self._service.limits.elements)
        answer = await self._service.predict(target, inputs, deadline, request.output_filter)
        response = messages.PredictResponse()
        fill_spec(response.model_spec, target, answer.version)
        response.model_spec.signature_name = target.signature or DEFAULT
        for name, values in answer.outputs.items():
            response.outputs[name].CopyFrom(tensors.to_proto(values))
        return response

    async def classify(self, request: Any, deadline: float) -> Any:
        """Answers a ``ClassificationRequest``."""
        target = target_of(request.model_spec)
        answer = await self._service.classify(target, examples_of(request.input), deadline)
        response = messages.ClassificationResponse()
        fill_spec(response.model_spec, target, answer.version)
        fill_classes(response.result, answer)
        return response

    async def regress(self, request: Any, deadline: float) -> Any:
        """Answers a ``RegressionRequest``."""
        target = target_of(request.model_spec)
        answer = await self._service.regress(target, examples_of(request.input), deadline)
        response = messages.RegressionResponse()
        fill_spec(response.model_spec, target, answer.version)
        fill_values(response.result, answer)
        return response

    async def multi_inference(self, request: Any, deadline: float) -> Any:
        """Answers a ``MultiInferenceRequest``: several signatures of one model."""
        examples = examples_of(request.input)
        if len({task.model_spec.name for task in request.tasks}) != 1:
            raise Refused(
                "INVALID_ARGUMENT",
                "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
            )
        response = messages.MultiInferenceResponse()
        signatures: set[str] = set()
        for task in request.tasks:
            target = target_of(task.model_spec)
            if target.signature in signatures:
                raise Refused(
                    "INVALID_ARGUMENT", f"Duplicate evaluation of signature: {target.signature}"
                )
            signatures.add(target.signature)
            result = response.results.add()
            if task.method_name == CLASSIFY:
                classes = await self._service.classify(target, examples, deadline)
                fill_spec(result.model_spec, target, classes.version)
                fill_classes(result.classification_result, classes)
            elif task.method_name == REGRESS:
                values = await self._service.regress(target, examples, deadline)
                fill_spec(result.model_spec, target, values.version)
                fill_values(result.regression_result, values)
            else:
                raise Refused(
                    "UNIMPLEMENTED",
                    f"Unsupported signature method_name: {task.method_name}; expected {CLASSIFY}"
                    f" or {REGRESS}.",
                )
        return response

    async def metadata(self, request: Any, deadline: float) -> Any:
        """Answers a ``GetModelMetadataRequest``."""
        target = target_of(request.model_spec)
        if not request.metadata_field:
            raise Refused(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for field in request.metadata_field:
            if field != _METADATA:
                raise Refused("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        version, signatures = self._service.signatures(target)
        response = messages.GetModelMetadataResponse()
        fill_spec(response.model_spec, target, version.number)
        packed = response.metadata[_METADATA]
        packed.type_url = f"{_ANY}{PREDICTION.rpartition('.')[0]}.SignatureDefMap"
        packed.value = signature_map(signatures).SerializeToString()
        return response
