"""JSON Schemas of explanations in the REST interface, with examples."""

from __future__ import annotations

from typing import Any

from modelwright.serve.rest.openapi_schemas import (
    ANY,
    NUMBER,
    PNG,
    TEXT,
    object_schema,
    schema_example,
    schema_list,
)

_INTEGER: dict[str, Any] = {"type": "integer", "minimum": 0}
_SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
_MAYBE: dict[str, Any] = {"type": ["number", "null"]}
_WEIGHT: dict[str, Any] = {
    "type": "number",
    "description": "In log-odds: above 0 for the label, below 0 against it.",
}
_TEXT_SEGMENT = object_schema(
    {
        "start": _INTEGER | {"description": "First code point in the text as it was sent."},
        "end": _INTEGER | {"description": "The code point after the last."},
        "text": TEXT,
        "weight": _WEIGHT,
    }
)
_IMAGE_SEGMENT = object_schema(
    {
        "row": _INTEGER | {"description": "Upper edge in pixels of the upright image."},
        "column": _INTEGER | {"description": "Left edge."},
        "height": _INTEGER,
        "width": _INTEGER,
        "weight": _WEIGHT,
    }
)
_FAITHFULNESS = object_schema(
    {
        "fidelity": _MAYBE
        | {"description": "R² of the weights on held-out masks; null if not measured."},
        "stability": _MAYBE | {"description": "Overlap of the top segments over three seeds."},
        "probability": NUMBER,
        "probability_without_named": NUMBER
        | {"description": "Probability of the label without the named segments."},
        "named": schema_list(_INTEGER, description="Positions of the segments most for the label."),
        "notes": schema_list(TEXT),
    },
    probability_without_random=_MAYBE
    | {"description": "The mean without as many random segments."},
    warnings=schema_list(TEXT, description="Why the weights should not be trusted here."),
)

EXPLAIN_SCHEMAS: dict[str, Any] = {
    "ExplainRequest": object_schema(
        {
            "instances": schema_list(
                ANY, minItems=1, description="Texts or images, as in a predict request."
            )
        },
        label={
            "type": ["string", "null"],
            "description": "Label to explain; the most probable one of each row if omitted.",
        },
        method={
            "type": "string",
            "default": "auto",
            "description": (
                "auto for the default method, quick for the fastest, or the name of a method"
                " without gradients, such as in-and-out, masks or occlusion."
            ),
        },
    )
    | {"additionalProperties": False},
    "Explanation": object_schema(
        {
            "input": TEXT | {"description": "The text, or the position of the image."},
            "label": TEXT,
            "probability": _SHARE,
            "method": TEXT,
            "segments": schema_list(
                {"anyOf": [_TEXT_SEGMENT, _IMAGE_SEGMENT]},
                description="In reading order; empty if nothing moves the probability.",
            ),
            "faithfulness": _FAITHFULNESS,
        }
    ),
    "ExplainAnswer": object_schema(
        {"explanations": schema_list({"$ref": "#/components/schemas/Explanation"})}
    ),
}
"""JSON Schemas by name."""

_EXPLAINED = {
    "input": "物流很快",
    "label": "pos",
    "probability": 0.98,
    "method": "in-and-out",
    "segments": [
        {"start": 0, "end": 2, "text": "物流", "weight": 0.11},
        {"start": 2, "end": 4, "text": "很快", "weight": 2.37},
    ],
    "faithfulness": {
        "fidelity": None,
        "least_fidelity": 0.3,
        "stability": 1.0,
        "seeds": 1,
        "deterministic": True,
        "named": [1, 0],
        "probability": 0.98,
        "probability_without_named": 0.52,
        "probability_without_random": None,
        "warnings": [],
        "notes": [],
    },
    "error": None,
}

EXPLAIN_EXAMPLES: dict[str, Any] = {
    "explainText": schema_example(
        "A text, and the label to explain",
        {"instances": [{"input_text": "物流很快"}], "label": "pos"},
    ),
    "explainImage": schema_example(
        "An image, with the fastest method",
        {"instances": [{"image_bytes": {"b64": PNG}}], "method": "quick"},
    ),
    "explainedText": schema_example("Why the text has the label", {"explanations": [_EXPLAINED]}),
}
"""Named examples of OpenAPI's ``components``."""
