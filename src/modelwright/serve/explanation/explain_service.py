"""What a server does for a client that wants answers explained."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.nearest import nearest
from modelwright.serve.errors import Refused
from modelwright.serve.explanation.explanations import Explanations
from modelwright.serve.explanation.message import Question
from modelwright.serve.lifecycle.input_check import check_inputs
from modelwright.serve.lifecycle.servable import DEFAULT, Servable, Tensors
from modelwright.serve.lifecycle.signatures import Signature
from modelwright.serve.lifecycle.version import fingerprint_digest
from modelwright.serve.limits import EXPLAIN_OPTIONS
from modelwright.serve.service.answers import ExplainAnswer, Target
from modelwright.serve.service.service import Service

_SHOWN = 20


@dataclass(frozen=True)
class ExplainRequest:
    """What a client wants explained.

    Attributes:
        inputs: rows of the model's raw input, an object array ``[n]`` of ``bytes`` by its name.
        label: the label to explain; None for the most probable one of each row.
        method: ``auto``, ``quick`` or the name of a method.
    """

    inputs: Tensors
    label: str | None = None
    method: str = "auto"


class ExplainService:
    """Explains answers of the models of a service."""

    def __init__(self, service: Service, explanations: Explanations | None) -> None:
        """``explanations`` is None if the server explains nothing."""
        self._service = service
        self._explanations = explanations

    def described(self, model: str) -> dict[str, bool]:
        """Returns ``explain`` for the description of a model whose answers can be explained."""
        newest = self._service.manager.models[model].newest
        servable = newest.servable if newest else None
        able = servable is not None and bool(servable.description.get("task"))
        return {"explain": True} if self._explanations and able else {}

    def signature(self, target: Target) -> Signature:
        """Returns the signature of the rows that can be explained.

        Raises:
            Refused: the server explains nothing, or not the answers of this model.
        """
        self._enabled()
        with self._service.version(self._service.known(target)) as runner:
            _expect_exported(runner.servable)
            return runner.servable.signatures[DEFAULT]

    async def explain(
        self, target: Target, request: ExplainRequest, deadline: float
    ) -> ExplainAnswer:
        """Explains the answer to each row by the version that a request is routed to.

        Args:
            target: the model and version.
            request: what to explain.
            deadline: on ``time.monotonic()``'s clock.

        Raises:
            Refused: there is no explanation.
        """
        explanations = self._enabled()
        target = self._service.known(target)
        version = self._service.version(target)
        with explanations.counter(target.model), version as runner:
            _expect_exported(runner.servable)
            limits = self._service.limits
            check_inputs(DEFAULT, runner.servable.signatures, request.inputs, limits)
            (rows,) = request.inputs.values()
            _check_rows(len(rows), explanations.limits.rows)
            _check_label(request.label, runner.servable)
            question = Question(
                folder=str(version.loaded_folder or version.folder),
                fingerprint=fingerprint_digest(version.fingerprint),
                engine=runner.servable.description["engine"],
                rows=tuple(rows.tolist()),
                label=request.label,
                method=request.method,
                segments=explanations.limits.segments,
            )
            content = await explanations.explain(target.model, question, deadline)
            return ExplainAnswer(version.number, content)

    def _enabled(self) -> Explanations:
        if self._explanations is None:
            raise Refused(
                "FAILED_PRECONDITION",
                "This server does not explain answers; start it with: modelwright serve --explain",
            )
        return self._explanations


def _expect_exported(servable: Servable) -> None:
    if not servable.description.get("task"):
        raise Refused(
            "FAILED_PRECONDITION",
            "This model is a SavedModel that TensorFlow runs; only the answers of a model that"
            " modelwright export wrote, run by onnx or litert, can be explained.",
        )


def _check_rows(rows: int, most: int) -> None:
    if rows > most:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The request has {rows} rows; this server explains at most {most} at once"
            f" ({EXPLAIN_OPTIONS['rows']}).",
        )


def _check_label(label: str | None, servable: Servable) -> None:
    labels = servable.description["labels"]
    if label is None or label in labels:
        return
    shown = ", ".join(labels[:_SHOWN]) + (", …" if len(labels) > _SHOWN else "")
    close = nearest(label, labels) if len(label) < 100 else ""
    raise Refused(
        "INVALID_ARGUMENT",
        f"The model has no label '{label[:80]}'.{close} Its labels: {shown}.",
    )
