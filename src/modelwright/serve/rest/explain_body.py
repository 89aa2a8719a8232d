"""Parses the body of an ``:explain`` request."""

from __future__ import annotations

from modelwright.core.nearest import nearest
from modelwright.serve.explanation.explain_service import ExplainRequest
from modelwright.serve.lifecycle.signatures import Signature
from modelwright.serve.rest.json_body import Document, parse_predict
from modelwright.serve.rest.json_faults import bad, quoted

_KEYS = ("instances", "label", "method")


def parse_explain(document: Document, signature: Signature, *, most: int) -> ExplainRequest:
    """Returns what an explain request asks for.

    ``instances`` is read as in a predict request: texts, or images as ``{"b64": "..."}``, each
    bare or under the name of the input.

    Args:
        document: what ``parse_json`` returned.
        signature: of the rows.
        most: most elements.

    Raises:
        Refused: the document has another form, or does not fit the signature.
    """
    for key in document:
        if key not in _KEYS:
            close = nearest(key, _KEYS) if len(key) < 100 else ""
            raise bad(
                f"The request has the key {quoted(key)}.{close} Expected 'instances', and 'label'"
                " and 'method' if wanted."
            )
    if "instances" not in document:
        raise bad("Missing 'instances' key")
    rows = parse_predict({"instances": document["instances"]}, lambda _: signature, most=most)
    label, method = document.get("label"), document.get("method", "auto")
    if label is not None and type(label) is not str:
        raise bad(f"JSON Value: {quoted(label)} is no label; expected a string, or null.")
    if type(method) is not str:
        raise bad(f"JSON Value: {quoted(method)} is no method; expected a string.")
    return ExplainRequest(rows.inputs, label, method)
