"""JSON Schemas of the bodies and answers of the REST interface, with examples."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
ANY: dict[str, Any] = {"description": "A value, or nested lists of values."}


def object_schema(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Returns the schema of an object with these properties."""
    return {"type": "object", "required": list(required), "properties": required | optional}


def schema_list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Returns the schema of a list."""
    return {"type": "array", "items": items} | more


_SIGNATURE = {
    "type": "string",
    "description": "One of the model's signatures; serving_default if omitted.",
}

SCHEMAS: dict[str, Any] = {
    "Error": object_schema({"error": {"type": "string", "minLength": 1}}),
    "Health": object_schema({"status": {"const": "alive"}}),
    "Readiness": object_schema(
        {
            "status": {"enum": ["ready", "loading", "stopping"]},
            "models": {
                "type": "object",
                "description": "The available versions of each model.",
                "additionalProperties": schema_list(TEXT),
            },
        },
        reason={"type": "string", "description": "Why the server is not ready."},
        not_served={
            "type": "object",
            "description": "Why a model has no version that answers.",
            "additionalProperties": TEXT,
        },
        skipped={
            "type": "object",
            "description": "Why an entry of the models folder is no model or no version.",
            "additionalProperties": TEXT,
        },
    ),
    "PredictRequest": {
        "oneOf": [
            object_schema(
                {"instances": schema_list(ANY, minItems=1, description="One element per row.")},
                signature_name=_SIGNATURE,
            )
            | {"not": {"required": ["inputs"]}},
            object_schema(
                {"inputs": {"description": "A tensor, or an object of tensors by name."}},
                signature_name=_SIGNATURE,
            )
            | {"not": {"required": ["instances"]}},
        ]
    },
    "PredictAnswer": {
        "oneOf": [
            object_schema({"predictions": schema_list(ANY)}),
            object_schema(
                {"outputs": {"description": "A tensor, or an object of tensors by name."}}
            ),
        ]
    },
    "ExamplesRequest": object_schema(
        {
            "examples": schema_list(
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
    "ClassifyAnswer": object_schema(
        {"results": schema_list(schema_list({"type": "array", "prefixItems": [TEXT, NUMBER]}))}
    ),
    "RegressAnswer": object_schema({"results": schema_list(NUMBER)}),
    "State": {
        "type": "string",
        "enum": ["UNKNOWN", "START", "LOADING", "AVAILABLE", "UNLOADING", "END"],
    },
    "StatusAnswer": object_schema(
        {
            "model_version_status": schema_list(
                object_schema(
                    {
                        "version": {"type": "string", "pattern": "^[0-9]+$"},
                        "state": {"$ref": "#/components/schemas/State"},
                        "status": object_schema({"error_code": TEXT, "error_message": TEXT}),
                    }
                )
            )
        }
    ),
    "MetadataAnswer": object_schema(
        {
            "model_spec": object_schema({"name": TEXT}, signature_name=TEXT, version=TEXT),
            "metadata": {"type": "object"},
        }
    ),
    "Model": object_schema(
        {
            "name": TEXT,
            "versions": schema_list(
                object_schema({"version": TEXT, "state": {"$ref": "#/components/schemas/State"}})
            ),
            "live": {"type": ["string", "null"], "description": "The version that answers."},
            "task": {
                "type": ["string", "null"],
                "enum": ["text", "image", None],
                "description": "null for a SavedModel from elsewhere.",
            },
            "labels": {"type": ["array", "null"], "items": TEXT},
            "input": {"type": ["string", "null"], "enum": ["input_text", "image_bytes", None]},
            "shape": {
                "type": ["array", "null"],
                "items": {"type": "integer"},
                "description": "Height, width and channels of an image in the model.",
            },
        },
        examples=schema_list(ANY, description="Instances to try."),
        explain={"const": True, "description": "Whether `:explain` explains its answers."},
    ),
    "ModelsAnswer": object_schema({"models": schema_list({"$ref": "#/components/schemas/Model"})}),
}
"""JSON Schemas by name."""

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFUlEQVR42mPUiDrBgA0wMeAAg1MCAAWzAVqi"
    "KYDVAAAAAElFTkSuQmCC"
)
_CLASSIFIED = {"probabilities": [0.02, 0.98], "label": "pos", "score": 0.98}


def schema_example(summary: str, value: Any) -> dict[str, Any]:
    """Returns a named example."""
    return {"summary": summary, "value": value}


EXAMPLES: dict[str, Any] = {
    "text": schema_example(
        "A text in a row", {"instances": [{"input_text": "这部电影的视觉效果令人震撼"}]}
    ),
    "picture": schema_example("An image in a row", {"instances": [{"image_bytes": {"b64": PNG}}]}),
    "columns": schema_example(
        "Two texts in a column", {"inputs": {"input_text": ["A waste of time.", "物流很快"]}}
    ),
    "numbers": schema_example(
        "Numbers, for a SavedModel with one input",
        {"signature_name": "serving_default", "instances": [1.0, 2.0, 5.0]},
    ),
    "classified": schema_example("The answer to a row", {"predictions": [_CLASSIFIED]}),
    "columnsClassified": schema_example(
        "The answer to a column",
        {
            "outputs": {
                "probabilities": [[0.9, 0.1], [0.02, 0.98]],
                "label": ["neg", "pos"],
                "score": [0.9, 0.98],
            }
        },
    ),
    "computed": schema_example(
        "From a model with one output, which has no name here",
        {"predictions": [2.5, 3.0, 4.5]},
    ),
    "features": schema_example("Two examples", {"examples": [{"x": 1.0}, {"x": [2.0]}]}),
    "scores": schema_example(
        "The answer to two examples", {"results": [[["pos", 0.9]], [["pos", 0.2]]]}
    ),
    "regressed": schema_example("The answer to two examples", {"results": [2.5, 3.0]}),
    "states": schema_example(
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
    "signatures": schema_example(
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
    "alive": schema_example("", {"status": "alive"}),
    "ready": schema_example("", {"status": "ready", "models": {"sentiment": ["3"]}}),
    "loading": schema_example("", {"status": "loading", "models": {"sentiment": []}}),
    "models": schema_example(
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
