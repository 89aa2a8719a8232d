"""The versions that the process of explanations has open, and its answer to one question."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from modelwright.core.errors import ConfigError, ModelwrightError
from modelwright.core.nearest import nearest
from modelwright.core.types import RawInput, Task
from modelwright.explaining.explained_model import ExplainedModel, explained_servable
from modelwright.explaining.explainer import Explainer, Row
from modelwright.explaining.method import Method
from modelwright.explaining.registry import AUTO, QUICK, find_method, method_names
from modelwright.servable.predictor import load_predictor
from modelwright.serve.errors import Refused
from modelwright.serve.explanation.message import Question
from modelwright.serve.lifecycle.version import fingerprint_digest, folder_fingerprint
from modelwright.serve.limits import EXPLAIN_OPTIONS

KEPT = 2
"""Number of versions that stay open."""


@dataclass(frozen=True)
class BoundedExplainer(Explainer):
    """An explainer that refuses a row with too many segments."""

    segments: int = 2_000

    def row(self, given: RawInput | Path, position: int = 0) -> Row:
        """Returns an input, cut into segments.

        Raises:
            Refused: it has too many.
            DataError: see ``Explainer.row``.
        """
        row = super().row(given, position)
        if len(row.segments) > self.segments:
            raise Refused(
                "INVALID_ARGUMENT",
                f"input {position + 1} has {len(row.segments):,} segments; this server explains at"
                f" most {self.segments:,} ({EXPLAIN_OPTIONS['segments']}). Send the part that"
                " matters.",
            )
        return row


class OpenedVersions:
    """The versions that were asked for last."""

    def __init__(self) -> None:
        self._opened: OrderedDict[tuple[str, str, str], ExplainedModel] = OrderedDict()

    def answer(self, question: Question) -> bytes:
        """Returns the explanations of all rows as JSON; nothing for a question without rows.

        Such a question only opens the version.

        Raises:
            Refused: there are none. The message does not say where the version is.
        """
        try:
            model = self._open(question)
            if not question.rows:
                return b""
            explainer = BoundedExplainer(
                model,
                method_for(question.method, model.predictor.manifest.task),
                segments=question.segments,
            )
            rows = [_row(content, model, at) for at, content in enumerate(question.rows)]
            found = [
                explainer.explain(row, question.label, position).to_dict()
                for position, row in enumerate(rows)
            ]
        except ModelwrightError as error:
            message = str(error).replace(question.folder, "the model")
            raise Refused("INVALID_ARGUMENT", message) from None
        return orjson.dumps({"explanations": found})

    def _open(self, question: Question) -> ExplainedModel:
        key = question.folder, question.fingerprint, question.engine
        model = self._opened.get(key)
        if model is None:
            folder = Path(question.folder)
            _expect_same_files(folder, question)
            try:
                predictor = load_predictor(folder, engine=question.engine)
                model = explained_servable(predictor)
            except (ModelwrightError, OSError) as error:
                message = str(error).replace(question.folder, "the model")
                raise Refused("UNAVAILABLE", message, 1.0) from None
            _expect_same_files(folder, question)
            self._opened[key] = model
        self._opened.move_to_end(key)
        while len(self._opened) > KEPT:
            self._opened.popitem(last=False)
        return model


def method_for(name: str, task: Task) -> Method:
    """Returns a method that explains a servable.

    Raises:
        Refused: there is no such method, it explains other rows, or it needs gradients.
        MissingDependencyError: the method's package is not installed.
    """
    wanted = {"auto": AUTO[task], "quick": QUICK[task]}.get(name, name)
    with suppress(ConfigError):
        method = find_method(wanted)
        if task in method.tasks and not method.needs_gradients:
            return method
    able = ["auto", "quick"]
    for one in method_names():
        with suppress(ModelwrightError):
            method = find_method(one)
            if task in method.tasks and not method.needs_gradients:
                able.append(one)
    close = nearest(name, able) if len(name) < 100 else ""
    raise Refused(
        "INVALID_ARGUMENT",
        f"the method '{name[:40]}' does not explain this model.{close} Expected one of"
        f" {', '.join(able)}. A server has no methods that need gradients; modelwright explain"
        " uses them for a run.",
    )


def _row(content: bytes, model: ExplainedModel, position: int) -> RawInput:
    if model.predictor.manifest.task == "image":
        return content
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(
            "INVALID_ARGUMENT",
            f"input {position + 1} is not valid UTF-8 at byte {error.start}.",
        ) from None


def _expect_same_files(folder: Path, question: Question) -> None:
    """Checks that a folder still has the files of the version that the request was routed to."""
    if fingerprint_digest(folder_fingerprint(folder)) != question.fingerprint:
        raise Refused(
            "UNAVAILABLE",
            "The files of this version have changed since it was loaded; try again when the server"
            " has loaded the new ones.",
            1.0,
        )
