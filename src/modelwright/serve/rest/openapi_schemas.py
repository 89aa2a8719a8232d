"""JSON Schemas of the bodies and answers of the REST interface, with examples."""

from __future__ import annotations

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_ANY: dict[str, Any] = {"description": "A value, or nested lists of values."}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": required | optional}


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items} | more


_SIGNATURE = {
    "type": "string",
    "description": "One of the model's signatures; serving_default if omitted.",
}

SCHEMAS: dict[str, Any] = {
    "Error": _object({"error": {"type": "string", "minLength": 1}}),
    "Health": _object({"status": {"const": "alive"}}),
    "Readiness": _object(
        {
            "status": {"enum": ["ready", "loading", "stopping"]},
            "models": {
                "type": "object",
                "description": "The available versions of each model.",
                "additionalProperties": _list(_TEXT),
            },
        },
        reason={"type": "string", "description": "Why the server is not ready."},
        not_served={
            "type": "object",
            "description": "Why a model has no version that answers.",
            "additionalProperties": _TEXT,
        },
        skipped={
            "type": "object",
            "description": "Why an entry of the models folder is no model or no version.",
            "additionalProperties": _TEXT,
        },
    ),
    "PredictRequest": {
        "oneOf": [
            _object(
                {"instances": _list(_ANY, minItems=1, description="One element per row.")},
                signature_name=_SIGNATURE,
            )
            | {"not": {"required": ["inputs"]}},
            _object(
                {"inputs": {"description": "A tensor, or an object of tensors by name."}},
                signature_name=_SIGNATURE,
            )
            | {"not": {"required": ["instances"]}},
        ]
    },
    "PredictAnswer": {
        "oneOf": [
            _object({"predictions": _list(_ANY)}),
            _object({"outputs": {"description": "A tensor, or an object of tensors by name."}}),
        ]
    },
    "ExamplesRequest": _object(
        {
            "examples": _list(
                {
                    "type": "object",
                    "description": "Features by name: numbers, texts or bytes, or lists of them.",
                },
                minItems=1,
            )
        },
        context={"type": "object", "description": "Features that every example has."},
        signature_name=_SIGNATURE,
    ),
    "ClassifyAnswer": _object(
        {"results": _list(_list({"type": "array", "prefixItems": [_TEXT, _NUMBER]}))}
    ),
    "RegressAnswer": _object({"results": _list(_NUMBER)}),
    "State": {
        "type": "string",
        "enum": ["UNKNOWN", "START", "LOADING", "AVAILABLE", "UNLOADING", "END"],
    },
    "StatusAnswer": _object(
        {
            "model_version_status": _list(
                _object(
                    {
                        "version": {"type": "string", "pattern": "^[0-9]+$"},
                        "state": {"$ref": "#/components/schemas/State"},
                        "status": _object({"error_code": _TEXT, "error_message": _TEXT}),
                    }
                )
            )
        }
    ),
    "MetadataAnswer": _object(
        {
            "model_spec": _object({"name": _TEXT}, signature_name=_TEXT, version=_TEXT),
            "metadata": {"type": "object"},
        }
    ),
    "Model": _object(
        {
            "name": _TEXT,
            "versions": _list(
                _object({"version": _TEXT, "state": {"$ref": "#/components/schemas/State"}})
            ),
            "live": {"type": ["string", "null"], "description": "The version that answers."},
            "task": {
                "type": ["string", "null"],
                "enum": ["text", "image", None],
                "description": "null for a SavedModel from elsewhere.",
            },
            "labels": {"type": ["array", "null"], "items": _TEXT},
            "input": {"type": ["string", "null"], "enum": ["input_text", "image_bytes", None]},
            "shape": {
                "type": ["array", "null"],
                "items": {"type": "integer"},
                "description": "Height, width and channels of an image in the model.",
            },
        },
        examples=_list(_ANY, description="Instances to try."),
    ),
    "ModelsAnswer": _object({"models": _list({"$ref": "#/components/schemas/Model"})}),
}
"""JSON Schemas by name."""

_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFUlEQVR42mPUiDrBgA0wMeAAg1MCAAWzAVqi"
    "KYDVAAAAAElFTkSuQmCC"
)
_CLASSIFIED = {"probabilities": [0.02, 0.98], "label": "pos", "score": 0.98}


def _example(summary: str, value: Any) -> dict[str, Any]:
    return {"summary": summary, "value": value}


EXAMPLES: dict[str, Any] = {
    "text": _example(
        "A text in a row", {"instances": [{"input_text": "这部电影的视觉效果令人震撼"}]}
    ),
    "picture": _example("An image in a row", {"instances": [{"image_bytes": {"b64": _PNG}}]}),
    "columns": _example(
        "Two texts in a column", {"inputs": {"input_text": ["A waste of time.", "物流很快"]}}
    ),
    "numbers": _example(
        "Numbers, for a SavedModel with one input",
        {"signature_name": "serving_default", "instances": [1.0, 2.0, 5.0]},
    ),
    "classified": _example("The answer to a row", {"predictions": [_CLASSIFIED]}),
    "columnsClassified": _example(
        "The answer to a column",
        {
            "outputs": {
                "probabilities": [[0.9, 0.1], [0.02, 0.98]],
                "label": ["neg", "pos"],
                "score": [0.9, 0.98],
            }
        },
    ),
    "computed": _example(
        "From a model with one output, which has no name here",
        {"predictions": [2.5, 3.0, 4.5]},
    ),
    "features": _example("Two examples", {"examples": [{"x": 1.0}, {"x": [2.0]}]}),
    "scores": _example("The answer to two examples", {"results": [[["pos", 0.9]], [["pos", 0.2]]]}),
    "regressed": _example("The answer to two examples", {"results": [2.5, 3.0]}),
    "states": _example(
        "One version is available, one could not be loaded",
        {
            "model_version_status": [
                {
                    "version": "4",
                    "state": "END",
                    "status": {
                        "error_code": "DATA_LOSS",
                        "error_message": "onnx/model.onnx has changed",
                    },
                },
                {
                    "version": "3",
                    "state": "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                },
            ]
        },
    ),
    "signatures": _example(
        "A model with one number as input and as output",
        {
            "model_spec": {"name": "half_plus_two", "signature_name": "", "version": "1"},
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        "serving_default": {
                            "inputs": {
                                "x": {
                                    "dtype": "DT_FLOAT",
                                    "tensor_shape": {
                                        "dim": [{"size": "-1", "name": ""}],
                                        "unknown_rank": False,
                                    },
                                    "name": "x:0",
                                }
                            },
                            "outputs": {
                                "y": {
                                    "dtype": "DT_FLOAT",
                                    "tensor_shape": {
                                        "dim": [{"size": "-1", "name": ""}],
                                        "unknown_rank": False,
                                    },
                                    "name": "y:0",
                                }
                            },
                            "method_name": "tensorflow/serving/predict",
                        }
                    }
                }
            },
        },
    ),
    "alive": _example("", {"status": "alive"}),
    "ready": _example("", {"status": "ready", "models": {"sentiment": ["3"]}}),
    "loading": _example("", {"status": "loading", "models": {"sentiment": []}}),
    "models": _example(
        "A classifier of texts",
        {
            "models": [
                {
                    "name": "sentiment",
                    "versions": [{"version": "3", "state": "AVAILABLE"}],
                    "live": "3",
                    "task": "text",
                    "labels": ["neg", "pos"],
                    "input": "input_text",
                    "shape": None,
                }
            ]
        },
    ),
}
"""Named examples of OpenAPI's ``components``."""
