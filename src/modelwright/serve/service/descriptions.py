"""Signatures and version states as TensorFlow Serving's messages and as its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.serve.errors import GRPC
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec
from modelwright.serve.lifecycle.version import Version
from modelwright.wire import messages
from modelwright.wire.messages import DATA_TYPES

STATES = {"START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}
"""``ModelVersionStatus.State`` of the published messages."""


def signature_map(signatures: Mapping[str, Signature]) -> Any:
    """Returns a ``SignatureDefMap`` message."""
    described = messages.SignatureDefMap()
    for name, signature in signatures.items():
        one = described.signature_def[name]
        one.method_name = signature.method
        for infos, specs in ((one.inputs, signature.inputs), (one.outputs, signature.outputs)):
            for key, spec in specs.items():
                _fill(infos[key], spec)
    return described


def signature_json(signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """Returns the ``SignatureDefMap`` as REST shows it."""
    return {
        "signature_def": {
            name: {
                "inputs": {key: _json(spec) for key, spec in signature.inputs.items()},
                "outputs": {key: _json(spec) for key, spec in signature.outputs.items()},
                "method_name": signature.method,
                "defaults": {},
            }
            for name, signature in signatures.items()
        }
    }


def status_message(versions: Iterable[Version]) -> Any:
    """Returns a ``GetModelStatusResponse`` message."""
    response = messages.GetModelStatusResponse()
    for version in versions:
        added = response.model_version_status.add(version=version.number)
        added.state = STATES[version.state]
        added.status.error_code = GRPC[version.code]
        added.status.error_message = version.problem
    return response


def status_json(versions: Iterable[Version]) -> dict[str, Any]:
    """Returns the ``GetModelStatusResponse`` as REST shows it; 64-bit numbers are strings there."""
    return {
        "model_version_status": [
            {
                "version": str(version.number),
                "state": version.state,
                "status": {"error_code": version.code, "error_message": version.problem},
            }
            for version in versions
        ]
    }


def _fill(info: Any, spec: TensorSpec) -> None:
    info.name = _tensor_name(spec)
    info.dtype = DATA_TYPES[spec.dtype]
    if spec.shape is None:
        info.tensor_shape.unknown_rank = True
    else:
        # The message of a scalar has a shape too: an empty one.
        info.tensor_shape.SetInParent()
        for size in spec.shape:
            info.tensor_shape.dim.add(size=size)


def _json(spec: TensorSpec) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in spec.shape or ()]
    shape = {"dim": sizes, "unknown_rank": spec.shape is None}
    return {"dtype": spec.dtype, "tensor_shape": shape, "name": _tensor_name(spec)}


def _tensor_name(spec: TensorSpec) -> str:
    return spec.tensor or f"{spec.name}:0"
