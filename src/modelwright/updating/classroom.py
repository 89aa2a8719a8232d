"""The classroom of an update: the rows, the networks and the measurements that strategies share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError, RunError, brief
from modelwright.core.types import FloatArray, IntArray, Progress
from modelwright.data.splits import TEST, TRAIN, VAL
from modelwright.learning.growth import grow_network
from modelwright.learning.lesson import Lesson, LessonRows, State
from modelwright.learning.strategy import Strategy
from modelwright.learning.update_settings import settings_for_update
from modelwright.models.builders import check_options
from modelwright.models.graph_tokenizer import GraphTokenizer
from modelwright.training.batches import encode_rows
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.runtime import make_deterministic
from modelwright.updating.base_model import BaseModel
from modelwright.updating.candidates import Candidate, read_weights, write_candidate
from modelwright.updating.new_rows import NewRows
from modelwright.updating.old_rows import OldRows
from modelwright.updating.row_store import StoredRows
from modelwright.updating.settings import UpdateSettings
from modelwright.updating.tokens import Tokens, note_unlearned_tokens

_EPOCHS_OF_NEW_CLASSES = 10
"""A new class is learned from nothing, with the rate of the training."""


class Classroom:
    """All that the candidates of one update have in common.

    Attributes:
        base: the model before.
        old: the rows that it learned before.
        new: the rows to learn.
        before: its answers to the held-out rows.
        held_out: the held-out rows by set.
        tokens: the vocabulary of the new weights.
        seed: random seed.
        train: the settings of the steps.
        remembers_rows: whether strategies may use kept examples.
    """

    def __init__(
        self,
        base: BaseModel,
        old: OldRows,
        new: NewRows,
        tokens: Tokens,
        vocabulary: Path,
        settings: UpdateSettings,
        progress: Progress | None = None,
    ) -> None:
        """Encodes the rows and measures the model before.

        Args:
            base: the model before.
            old: the rows that it learned before.
            new: the rows to learn.
            tokens: the vocabulary of the new weights.
            vocabulary: its file.
            settings: the settings of the update.
            progress: called with each step.
        """
        self.base, self.old, self.new = base, old, new
        self.tokens, self.seed, self._progress = tokens, settings.seed, progress
        self.remembers_rows = settings.memory > 0
        more = len(new.names) > len(base.labels)  # the weights of a new class begin at zero
        self.train = settings_for_update(
            base.config.train,
            epochs=_EPOCHS_OF_NEW_CLASSES if more else None,
            rate=base.config.train.learning_rate if more else None,
        )
        before = base.tokenizer
        self._tokenizer = before
        if before is not None and tokens.after > tokens.before:
            self._tokenizer = GraphTokenizer(check_options(base.config.model), vocabulary)
        self.held_out = _held_out(old, new)
        self._encoded = {name: self._encode(rows) for name, rows in self.held_out.items()}
        self._kept = old.stored.of_side(TRAIN)
        self._taught = new.stored.of_side(TRAIN)
        self._states: dict[str, State] = {}
        self._network: Any = None
        network = self._network = self._take_network()
        own = self._encoded
        if self._tokenizer is not before:
            own = {
                name: encode_rows(rows.rows(base.shape), before)
                for name, rows in self.held_out.items()
            }
        self.before = _answers(network, own)
        self._kept = self._with_outputs(self._kept)

    def labels_of(self, name: str) -> IntArray:
        """Returns the labels of a held-out set."""
        return self.held_out[name].labels

    @property
    def kept(self) -> StoredRows:
        """The old examples, with the answers that were recorded for them."""
        return self._kept

    def announce(self, what: str) -> None:
        """Shows what begins."""
        if self._progress:
            self._progress(what, 0, 0)

    def lesson(self, network: Any, model: ModelConfig, state: State) -> Lesson:
        """Returns the lesson for a network that has all classes and tokens."""
        base = self.base
        return Lesson(
            network=network,
            before=base.network,
            model=model,
            train=self.train,
            new=self._lesson_rows("new"),
            kept=self._lesson_rows("kept") if self.remembers_rows and len(self._kept) else None,
            old=self._lesson_rows("old") if self.old.inputs is not None else None,
            state=state,
            classes_before=len(base.labels),
            tokens_before=self.tokens.before,
            seed=self.seed,
            progress=self._progress,
        )

    def build(self) -> tuple[Any, ModelConfig, tuple[str, ...]]:
        """Returns the network before with all classes and tokens, its options, and notes."""
        base = self.base
        network, model = self._take_network(), base.config.model
        make_deterministic(self.seed)
        if len(self.new.names) == len(base.labels) and self.tokens.after == self.tokens.before:
            return network, model, ()
        grown = grow_network(
            network,
            model,
            labels_before=base.labels,
            labels=self.new.names,
            tokens_before=self.tokens.before,
            tokens=self.tokens.after,
        )
        return grown.network, grown.model, tuple(getattr(grown, "notes", ()))

    def state(self, strategy: Strategy) -> State:
        """Returns what a strategy remembers of the old rows; made from them if nobody kept it."""
        name = strategy.name
        if name not in self._states:
            self._states[name] = self.old.states.get(name) or self._first_state(strategy)
        return self._states[name]

    def attempt(self, strategy: Strategy, folder: Path) -> Candidate:
        """Lets a strategy learn, measures it, and stores weights and answers in a folder."""
        started = time.monotonic()
        try:
            state = self.state(strategy)  # first, because ``build`` sets the random seed
            network, model, notes = self.build()
            lesson = self.lesson(network, model, state)
            strategy.learn(lesson)
        except (ConfigError, RunError) as error:
            return Candidate(
                strategy.name, seconds=time.monotonic() - started, problem=brief(error)
            )
        unlearned = note_unlearned_tokens(network, strategy.name, self.tokens)
        notes = tuple(dict.fromkeys((*notes, *lesson.notes, *unlearned)))
        seconds = time.monotonic() - started
        held_out = {one: self._encoded[one] for one in self.held_out}
        found = Candidate(strategy.name, _answers(network, held_out), seconds, notes)
        write_candidate(found, network, folder)
        return found

    def network_of(self, name: str, folder: Path) -> tuple[Any, ModelConfig]:
        """Returns the network of a stored candidate, and its options."""
        network, model, _ = self.build()
        read_weights(name, network, folder)
        return network, model

    def answers_to_new(self, network: Any) -> FloatArray:
        """Returns the answers to the new rows that trained."""
        return _answers(network, {"new": self._lesson_rows("new").inputs})["new"]

    def _take_network(self) -> Any:
        """Returns the network before: the one that has answered, until somebody takes it."""
        taken, self._network = self._network, None
        if taken is None:
            make_deterministic(self.seed)  # before anything is traced: XLA compiles nothing then
            taken = self.base.network()
        return taken

    def _first_state(self, strategy: Strategy) -> State:
        """Returns a state as it is before the first lesson."""
        if strategy.needs != "state":
            return {}
        rows = self._first_rows()
        network, model = self._take_network(), self.base.config.model
        self._network = network  # to remember changes nothing
        lesson = replace(self.lesson(network, model, {}), new=rows, kept=None, old=None)
        return strategy.remember(lesson)

    def _first_rows(self) -> LessonRows:
        """Returns the old rows, in the token ids of the model before."""
        known = "old" if self.old.inputs is not None else "kept"
        if self.tokens.after == self.tokens.before:
            return self._lesson_rows(known)
        inputs, labels = self.old.inputs, self.old.labels
        if inputs is None or labels is None:
            inputs, labels = self._kept.rows(self.base.shape), self._kept.labels
        return LessonRows(encode_rows(inputs, self.base.tokenizer, self._progress), labels)

    def _lesson_rows(self, which: str) -> LessonRows:
        """Returns the rows ``new``, ``kept`` or ``old``."""
        if which == "old" and self.old.labels is not None:
            return LessonRows(self._inputs(which), self.old.labels)
        rows = self._kept if which == "kept" else self._taught
        outputs = rows.outputs if np.isfinite(rows.outputs).any() else None
        return LessonRows(self._inputs(which), rows.labels, outputs)

    def _inputs(self, which: str) -> Any:
        """Returns rows in the form that the new weights read; they are encoded once."""
        if which not in self._encoded:
            if which == "old" and self.old.inputs is not None:
                rows, progress = self.old.inputs, self._progress
            else:
                stored = self._kept if which == "kept" else self._taught
                rows, progress = stored.rows(self.base.shape), None
            self._encoded[which] = encode_rows(rows, self._tokenizer, progress)
        return self._encoded[which]

    def _encode(self, rows: StoredRows) -> Any:
        return encode_rows(rows.rows(self.base.shape), self._tokenizer, None)

    def _with_outputs(self, rows: StoredRows) -> StoredRows:
        """Returns the kept examples with the model's answers, where nobody recorded any."""
        if not len(rows) or np.isfinite(rows.outputs).any():
            return rows
        if self._tokenizer is self.base.tokenizer:
            inputs = self._inputs("kept")
        else:
            inputs = encode_rows(rows.rows(self.base.shape), self.base.tokenizer)
        return rows.with_outputs(_answers(self._network, {"kept": inputs})["kept"])


def _held_out(old: OldRows, new: NewRows) -> dict[str, StoredRows]:
    """Returns the held-out rows by set: ``old-val``, ``old-test``, ``new-val``, ``new-test``."""
    return {
        f"{age}-{name}": rows.of_side(side)
        for age, rows in (("old", old.stored), ("new", new.stored))
        for name, side in (("val", VAL), ("test", TEST))
    }


def _answers(network: Any, inputs: Mapping[str, Any]) -> dict[str, FloatArray]:
    classifier = NetworkClassifier(network)
    columns = max(2, int(network.output_shape[-1]))
    empty = np.zeros((0, columns), np.float32)
    return {
        name: classifier.classify_rows(rows) if len(rows) else empty
        for name, rows in inputs.items()
    }
