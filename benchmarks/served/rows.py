"""Requests with the answers that they must get, from what a servable itself recorded.

The expected answers come from ``modelwright.servable.predictor``, which no server is part of.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from served.client import Answer, Request, http

WORDS = 200
"""Of a review, exactly."""
ROWS = 24
TOLERANCE = 1e-3
"""Answers carry six digits, and a batch adds in another order than a single row."""


@dataclass(frozen=True)
class Row:
    """What is sent, as JSON has it, and the right answer."""

    instance: dict[str, Any]
    label: str
    probabilities: tuple[float, ...]

    def wrong(self, given: Any) -> str | None:
        """What is wrong with a prediction, or None."""
        if not isinstance(given, dict) or given.get("label") != self.label:
            return f"expected the label {self.label}, was given {str(given)[:200]}"
        chances = given.get("probabilities", ())
        if len(chances) != len(self.probabilities):
            return f"expected {len(self.probabilities)} probabilities, was given {len(chances)}"
        apart = max(abs(a - b) for a, b in zip(chances, self.probabilities, strict=True))
        return f"a probability is {apart:.2g} from the right one" if apart > TOLERANCE else None


def raw(folder: Path, count: int = ROWS) -> list[str | bytes]:
    """Pictures, or texts of exactly ``WORDS`` words, from a servable's recorded rows.

    Few reviews are that long: the words of all are taken one after the other.

    Raises:
        SystemExit: it recorded too few.
    """
    from modelwright.servable.manifest import EXAMPLES, read_manifest

    task = read_manifest(folder).task
    lines = (folder / EXAMPLES).read_text("utf-8").split("\n")[:-1]
    instances = [json.loads(line)["instance"] for line in lines]
    found: list[str | bytes]
    if task == "image":
        found = [base64.b64decode(instance["image_bytes"]["b64"]) for instance in instances]
    else:
        words = " ".join(instance["input_text"] for instance in instances).split()
        starts = range(0, len(words) - WORDS + 1, WORDS)
        found = [" ".join(words[start : start + WORDS]) for start in starts]
    if len(found) < count:
        raise SystemExit(f"{folder} recorded {len(found)} rows that can be used; expected {count}.")
    return found[:count]


def answered(folder: Path, inputs: Sequence[str | bytes]) -> list[Row]:
    """Each input with what that servable answers."""
    from modelwright.servable.manifest import read_manifest
    from modelwright.servable.predictor import load_predictor

    name = read_manifest(folder).input_name
    loaded = load_predictor(folder)
    return [
        Row({name: _json(value)}, made.label, tuple(made.probabilities.values()))
        for value, made in zip(
            inputs, (loaded.predict([value])[0] for value in inputs), strict=True
        )
    ]


def body(rows: Sequence[Row]) -> bytes:
    """The body of a predict request in row form."""
    return json.dumps({"instances": [row.instance for row in rows]}).encode()


def request(path: str, rows: Sequence[Row]) -> Request:
    """A predict request in row form, each of whose answers is checked."""
    import orjson

    def wrong(answer: Answer) -> str | None:
        if answer.status != 200:
            return f"status {answer.status}: {answer.body[:200]!r}"
        given = orjson.loads(answer.body).get("predictions", ())
        if len(given) != len(rows):
            return f"{len(rows)} rows were asked for: {answer.body[:200]!r}"
        pairs = zip(rows, given, strict=True)
        return next((problem for row, one in pairs if (problem := row.wrong(one))), None)

    return Request(http("POST", path, body(rows)), wrong, "predict")


def _json(value: str | bytes) -> Any:
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
