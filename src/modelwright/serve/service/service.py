"""What a server does for a client of either protocol: predict, classify, regress, describe.

Error messages are TensorFlow Serving's where it has one for the case.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unicodedata import normalize

from modelwright.serve.config import RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.input_check import check_inputs
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.runner import Runner
from modelwright.serve.lifecycle.servable import CLASSIFY, DEFAULT, REGRESS, Tensors, bytes_array
from modelwright.serve.lifecycle.signatures import Signature
from modelwright.serve.lifecycle.version import Version
from modelwright.serve.service.answered import Answered, Observer
from modelwright.serve.service.answers import ClassifyAnswer, PredictAnswer, RegressAnswer, Target
from modelwright.serve.service.example_outputs import (
    classes_of,
    select_outputs,
    single_values,
    values_of,
)
from modelwright.serve.service.metrics import Metrics
from modelwright.serve.service.pending import Pending
from modelwright.serve.service.request_counter import RequestCounter

_log = logging.getLogger("modelwright.serve")


class Service:
    """The models of a manager, with limits on requests and a count of them."""

    def __init__(
        self,
        manager: Manager,
        limits: RequestLimits,
        metrics: Metrics,
        observers: Sequence[Observer] = (),
    ) -> None:
        """``observers`` get each answer of ``predict`` and ``classify``."""
        self.manager = manager
        self.limits = limits
        self.metrics = metrics
        self._observers = observers
        self.pending = Pending(limits.pending_bytes)
        self._counters: dict[str, RequestCounter] = {}

    def signature(self, target: Target) -> Signature:
        """Returns the signature that a request means.

        Raises:
            Refused: the model or the signature is unknown.
        """
        with self.version(self.known(target)) as runner:
            return _signature(runner, target)

    async def predict(
        self,
        target: Target,
        inputs: Tensors,
        deadline: float,
        output_names: Collection[str] = (),
    ) -> PredictAnswer:
        """Returns the outputs of a signature.

        Args:
            target: the model, version and signature.
            inputs: arrays by name.
            deadline: on ``time.monotonic()``'s clock.
            output_names: the outputs to return; all if it is empty.

        Raises:
            Refused: there is no answer.
        """
        target = self.known(target)
        version = self.version(target)
        with self._counter(target.model), version as runner:
            outputs = await self._run(target, runner, inputs, deadline)
            answer = PredictAnswer(version.number, select_outputs(outputs, output_names))
            self._observe(target, version, runner, inputs, outputs)
            return answer

    async def classify(
        self, target: Target, examples: Sequence[bytes], deadline: float
    ) -> ClassifyAnswer:
        """Returns labels and scores of serialized ``tf.Example`` messages.

        An exported servable has no signature of this method. Its default signature answers, for
        examples that have its input as a feature.

        Raises:
            Refused: there is no answer.
        """
        target = self.known(target)
        version = self.version(target)
        with self._counter(target.model), version as runner:
            signature = _signature(runner, target)
            labels = runner.servable.description.get("labels")
            if labels and (target.signature or DEFAULT) == DEFAULT:
                inputs = {n: bytes_array(single_values(examples, n)) for n in signature.inputs}
                outputs = await self._run(target, runner, inputs, deadline)
                scores = outputs["probabilities"].tolist()
                rows = [list(zip(labels, row, strict=True)) for row in scores]
                self._observe(target, version, runner, inputs, outputs)
                return ClassifyAnswer(version.number, rows)
            _expect_method(signature, CLASSIFY, "classification")
            outputs = await self._run_examples(target, runner, signature, examples, deadline)
            return ClassifyAnswer(version.number, classes_of(outputs, len(examples)))

    async def regress(
        self, target: Target, examples: Sequence[bytes], deadline: float
    ) -> RegressAnswer:
        """Returns the values of serialized ``tf.Example`` messages.

        Raises:
            Refused: there is no answer.
        """
        target = self.known(target)
        version = self.version(target)
        with self._counter(target.model), version as runner:
            signature = _signature(runner, target)
            _expect_method(signature, REGRESS, "regression")
            outputs = await self._run_examples(target, runner, signature, examples, deadline)
            return RegressAnswer(version.number, values_of(outputs, len(examples)))

    def signatures(self, target: Target) -> tuple[Version, Mapping[str, Signature]]:
        """Returns a version and all its signatures.

        Raises:
            Refused: the model or the version is unknown.
        """
        version = self.version(self.known(target))
        with version as runner:
            return version, runner.servable.signatures

    def status(self, target: Target) -> list[Version]:
        """Returns the versions of a model with their states, the newest first.

        Raises:
            Refused: the model or the version is unknown.
        """
        target = self.known(target)
        return self.manager.status(target.model, target.version, target.label)

    def known(self, target: Target) -> Target:
        """Returns the target with the model's name as its folder has it.

        Unicode can write a letter such as ü in two ways, which look alike: macOS names folders in
        one of them, and keyboards enter the other.
        """
        models = self.manager.models
        if target.model in models or target.model.isascii():
            return target
        wanted = normalize("NFC", target.model)
        names = (name for name in models if normalize("NFC", name) == wanted)
        return replace(target, model=next(names, target.model))

    def list_models(self) -> list[dict[str, Any]]:
        """Returns each model's name, versions with states, live version, labels and input."""
        models = []
        for name, model in sorted(self.manager.models.items()):
            newest = model.newest
            description = newest.servable.description if newest and newest.servable else {}
            models.append(
                {
                    "name": name,
                    "live": str(newest.number) if newest else None,
                    "versions": [
                        {"version": str(version.number), "state": version.state}
                        for version in self.manager.status(name)
                    ],
                    **{key: description.get(key) for key in ("task", "labels", "input", "shape")},
                }
            )
        return models

    def version(self, target: Target) -> Version:
        """Returns the version that answers a request; ``target`` comes from ``known``.

        Raises:
            Refused: the model or the version is unknown.
        """
        return self.manager.find(target.model, target.version, target.label)

    async def _run_examples(
        self,
        target: Target,
        runner: Runner,
        signature: Signature,
        examples: Sequence[bytes],
        deadline: float,
    ) -> Tensors:
        """Runs a signature that reads serialized examples itself."""
        if len(signature.inputs) != 1:
            raise Refused("INVALID_ARGUMENT", "Expected one input Tensor.")
        (name,) = signature.inputs
        return await self._run(target, runner, {name: bytes_array(list(examples))}, deadline)

    async def _run(
        self, target: Target, runner: Runner, inputs: Tensors, deadline: float
    ) -> Tensors:
        name = target.signature or DEFAULT
        checked = check_inputs(name, runner.servable.signatures, inputs, self.limits)
        start = time.perf_counter()
        try:
            return await runner.run(name, checked, deadline)
        except Refused:
            raise
        except Exception:  # noqa: BLE001 - logged; the client learns that it failed, not how
            _log.exception("model %s could not be run", target.model)
            raise Refused("INTERNAL", "The model could not be run.") from None
        finally:
            micros = (time.perf_counter() - start) * 1e6
            self._counter(target.model).runtime.add(micros)

    def _observe(
        self, target: Target, version: Version, runner: Runner, inputs: Tensors, outputs: Tensors
    ) -> None:
        """Shows an answer to the observers, whose faults never cost a client its answer."""
        if not self._observers:
            return
        name = target.signature or DEFAULT
        answered = Answered(target.model, version.number, runner.servable, name, inputs, outputs)
        for observe in self._observers:
            try:
                observe(answered)
            except Exception:  # noqa: BLE001 - logged; the answer is right all the same
                _log.exception("an answer of model %s could not be observed", target.model)

    def _counter(self, model: str) -> RequestCounter:
        counter = self._counters.get(model)
        if counter is None:
            counter = self._counters[model] = RequestCounter(self.metrics, model)
        return counter


def _signature(runner: Runner, target: Target) -> Signature:
    name = target.signature or DEFAULT
    signature = runner.servable.signatures.get(name)
    if signature is None:
        raise Refused(
            "INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def'
        )
    return signature


def _expect_method(signature: Signature, method: str, kind: str) -> None:
    if signature.method != method:
        raise Refused(
            "INVALID_ARGUMENT",
            f"Expected {kind} signature method_name to be {method}. Was: {signature.method}",
        )
