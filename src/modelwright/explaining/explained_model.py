"""A loaded model as an explanation needs it, of a servable or of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.servable.predictor import Predictor
from modelwright.servable.tokenizer import TOKENIZER, ServingTokenizer, read_tokenizer


@dataclass(frozen=True)
class ExplainedModel:
    """A model whose answers are explained.

    Attributes:
        predictor: checks inputs and answers them; of a run, with an engine that runs Keras.
        tokenizer: turns texts into ids; None for images, and for models without such a tokenizer.
        network: the Keras network of a run, for gradients; None for a servable.
    """

    predictor: Predictor
    tokenizer: ServingTokenizer | None = None
    network: Any | None = None

    @property
    def name(self) -> str:
        """The folder, for messages."""
        return str(self.predictor.folder)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.predictor.manifest.labels

    def label_position(self, label: str) -> int:
        """Returns the position of a label.

        Raises:
            ConfigError: the model has no such label.
        """
        if label not in self.labels:
            shown = ", ".join(self.labels[:20]) + (", …" if len(self.labels) > 20 else "")
            raise ConfigError(
                f"{self.name} has no label '{label[:80]}'.{nearest(label, self.labels)} Its labels:"
                f" {shown}."
            )
        return self.labels.index(label)


def explained_servable(predictor: Predictor) -> ExplainedModel:
    """Returns a loaded servable as an explanation needs it.

    Raises:
        ServableError: the tokenizer's files are missing or do not belong together.
    """
    has_tokenizer = predictor.manifest.task == "text" and (predictor.folder / TOKENIZER).is_file()
    tokenizer = read_tokenizer(predictor.folder) if has_tokenizer else None
    return ExplainedModel(predictor, tokenizer)
