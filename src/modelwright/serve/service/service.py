"""What a server does for a client, whichever protocol asked: predict, classify, regress, describe.

Messages are TensorFlow Serving's where it has one for the case.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray
from modelwright.serve.config import Limits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.manager import Manager, Version
from modelwright.serve.lifecycle.runner import Runner
from modelwright.serve.lifecycle.served_model import (
    CLASSIFY,
    DEFAULT,
    REGRESS,
    Tensors,
    check,
    texts,
)
from modelwright.serve.lifecycle.signatures import Signature
from modelwright.serve.service.metrics import REQUESTS, RUNTIME, Metrics
from modelwright.wire import messages

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class Target:
    """What a request asks: a model, one of its versions by number or label, a signature."""

    model: str
    version: int | None = None
    label: str | None = None
    signature: str = ""


@dataclass(frozen=True)
class Answer:
    """The outputs, and the version that gave them."""

    version: int
    outputs: Tensors


@dataclass(frozen=True)
class Classes:
    """For each example its labels with their scores; a label or score that is not given is
    empty or 0."""

    version: int
    rows: Sequence[Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class Values:
    """For each example its value, float32 ``[n]``."""

    version: int
    rows: FloatArray


class Service:
    """The models of a manager, within limits, counted."""

    def __init__(self, manager: Manager, limits: Limits, metrics: Metrics) -> None:
        self.manager = manager
        self.limits = limits
        self.metrics = metrics
        self._counters: dict[str, _Counter] = {}

    def signature(self, target: Target) -> Signature:
        """The signature that a request means.

        Raises:
            Refused: no such model or signature.
        """
        version = self.manager.find(target.model, target.version, target.label)
        with version as runner:
            return _signature(runner, target)

    async def predict(
        self, target: Target, inputs: Tensors, deadline: float, wanted: Collection[str] = ()
    ) -> Answer:
        """The outputs of a signature.

        Args:
            target: which.
            inputs: by name.
            deadline: on ``time.monotonic()``'s clock.
            wanted: names of the outputs, all where it is empty.

        Raises:
            Refused: there is no answer, and why.
        """
        version = self.manager.find(target.model, target.version, target.label)
        with self._counter(target.model), version as runner:
            name = target.signature or DEFAULT
            outputs = await self._run(target.model, runner, name, inputs, deadline)
            return Answer(version.number, _filtered(outputs, wanted))

    async def classify(self, target: Target, examples: Sequence[bytes], deadline: float) -> Classes:
        """Labels and scores of serialised ``tf.Example`` messages.

        A servable that Modelwright made has no such signature; its default one answers, for
        examples with its input as a feature.

        Raises:
            Refused: there is no answer, and why.
        """
        version = self.manager.find(target.model, target.version, target.label)
        with self._counter(target.model), version as runner:
            signature = _signature(runner, target)
            name = target.signature or DEFAULT
            labels = runner.servable.about.get("labels")
            if labels and name == DEFAULT:
                inputs = {n: texts(_features(examples, n)) for n in signature.inputs}
                outputs = await self._run(target.model, runner, name, inputs, deadline)
                rows = [
                    list(zip(labels, row, strict=True)) for row in outputs["probabilities"].tolist()
                ]
                return Classes(version.number, rows)
            _expect(signature, CLASSIFY, "classification")
            outputs = await self._examples(target, runner, signature, examples, deadline)
            return Classes(version.number, _classes(outputs, len(examples)))

    async def regress(self, target: Target, examples: Sequence[bytes], deadline: float) -> Values:
        """The values of serialised ``tf.Example`` messages.

        Raises:
            Refused: there is no answer, and why.
        """
        version = self.manager.find(target.model, target.version, target.label)
        with self._counter(target.model), version as runner:
            signature = _signature(runner, target)
            _expect(signature, REGRESS, "regression")
            outputs = await self._examples(target, runner, signature, examples, deadline)
            (values,) = outputs.values()
            if values.size != len(examples):
                raise Refused(
                    "INVALID_ARGUMENT",
                    f"The regression gave the shape {list(values.shape)}; expected a value for"
                    f" each of {len(examples)} examples.",
                )
            return Values(version.number, values.reshape(-1).astype(np.float32))

    def described(self, target: Target) -> tuple[Version, Mapping[str, Signature]]:
        """A version and all its signatures.

        Raises:
            Refused: no such version.
        """
        version = self.manager.find(target.model, target.version, target.label)
        with version as runner:
            return version, runner.servable.signatures

    def listed(self) -> list[dict[str, Any]]:
        """Every model: its versions with their states, which is live, what it takes."""
        models = []
        for name, model in sorted(self.manager.models.items()):
            newest = model.newest
            about = newest.servable.about if newest and newest.servable else {}
            models.append(
                {
                    "name": name,
                    "live": str(newest.number) if newest else None,
                    "versions": [
                        {"version": str(one.number), "state": one.state}
                        for one in self.manager.status(name)
                    ],
                    **{key: about.get(key) for key in ("task", "labels", "input", "shape")},
                }
            )
        return models

    async def _examples(
        self,
        target: Target,
        runner: Runner,
        signature: Signature,
        examples: Sequence[bytes],
        deadline: float,
    ) -> Tensors:
        if len(signature.inputs) != 1:
            raise Refused("INVALID_ARGUMENT", "Expected one input Tensor.")
        (name,) = signature.inputs
        inputs = {name: texts(list(examples))}
        return await self._run(target.model, runner, target.signature or DEFAULT, inputs, deadline)

    async def _run(
        self, model: str, runner: Runner, signature: str, inputs: Tensors, deadline: float
    ) -> Tensors:
        checked = check(signature, runner.servable.signatures, inputs, self.limits)
        start = time.perf_counter()
        try:
            return await runner.run(signature, checked, deadline)
        except Refused:
            raise
        except Exception:  # noqa: BLE001 - logged; the client is told that it failed, not how
            _log.exception("model %s could not be run", model)
            raise Refused("INTERNAL", "The model could not be run.") from None
        finally:
            self._counter(model).runtime.add((time.perf_counter() - start) * 1e6)

    def _counter(self, model: str) -> _Counter:
        found = self._counters.get(model)
        if found is None:
            found = self._counters[model] = _Counter(self.metrics, model)
        return found


class _Counter:
    """Counts a model's requests by how they ended, and the time of its runs."""

    def __init__(self, metrics: Metrics, model: str) -> None:
        self._metrics, self._model = metrics, model
        self.runtime = metrics.histogram(RUNTIME, model_name=model, runtime="CPU")

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        status = error.code if isinstance(error, Refused) else "OK" if kind is None else "CANCELLED"
        self._metrics.count(REQUESTS, model_name=self._model, status=status)


def _signature(runner: Runner, target: Target) -> Signature:
    name = target.signature or DEFAULT
    found = runner.servable.signatures.get(name)
    if found is None:
        raise Refused(
            "INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def'
        )
    return found


def _expect(signature: Signature, method: str, what: str) -> None:
    if signature.method != method:
        raise Refused(
            "INVALID_ARGUMENT",
            f"Expected {what} signature method_name to be {method}. Was: {signature.method}",
        )


def _filtered(outputs: Tensors, wanted: Collection[str]) -> Tensors:
    if not wanted:
        return outputs
    for name in wanted:
        if name not in outputs:
            raise Refused(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {name} Outputs expected to be in"
                f" the set {{{','.join(sorted(outputs))}}}.",
            )
    if len(set(wanted)) < len(wanted):
        twice = next(name for name in wanted if list(wanted).count(name) > 1)
        raise Refused("INVALID_ARGUMENT", f"duplicate output tensor alias: {twice}")
    return {name: outputs[name] for name in wanted}


def _features(examples: Sequence[bytes], name: str) -> list[bytes]:
    """The one value of a feature of each example."""
    found = []
    for place, content in enumerate(examples):
        example = messages.Example()
        example.ParseFromString(content)
        values = example.features.feature[name].bytes_list.value
        if len(values) != 1:
            raise Refused(
                "INVALID_ARGUMENT",
                f"example {place} has {len(values)} values of '{name}'; expected one text or file.",
            )
        found.append(values[0])
    return found


def _classes(outputs: Tensors, count: int) -> list[list[tuple[str, float]]]:
    names, scores = outputs.get("classes"), outputs.get("scores")
    given = next((one for one in (names, scores) if one is not None), None)
    if given is None or given.ndim != 2 or len(given) != count:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The classification gave {sorted(outputs)}; expected 'classes', 'scores' or both, a"
            f" row for each of {count} examples.",
        )
    width = given.shape[1]
    labels = [[""] * width] * count
    if names is not None:
        labels = [[one.decode("utf-8", "replace") for one in row] for row in names]
    values = np.zeros((count, width)) if scores is None else scores
    return [
        list(zip(row, numbers, strict=True))
        for row, numbers in zip(labels, values.tolist(), strict=True)
    ]
