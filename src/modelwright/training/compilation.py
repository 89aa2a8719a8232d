"""Compiles a network with the optimizer, the loss and the metric of ``[train]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelwright.core.config import TrainConfig
from modelwright.models.pretrained import learning_rates
from modelwright.training import optimizers, runtime
from modelwright.training.extras import ExtraLoss, add_loss


@dataclass(frozen=True)
class Compilation:
    """How a network is compiled.

    Attributes:
        train: the settings.
        options: the options of the network.
        steps: number of steps of an epoch.
        mixed: whether a row may have shares of several classes.
        extra_loss: a term that is added to the loss of training steps.
    """

    train: TrainConfig
    options: Any
    steps: int
    mixed: bool
    extra_loss: ExtraLoss | None = None

    def apply(self, network: Any) -> None:
        """Compiles a network."""
        network.compile(
            optimizers.build_optimizer(self.train, self.steps),
            optimizers.build_loss(network, self.train.label_smoothing, mixed=self.mixed),
            metrics=[optimizers.build_accuracy(network, mixed=self.mixed)],
            jit_compile=runtime.jit_compile(),
        )
        if getattr(self.options, "finetune", 0):
            rates = learning_rates(self.options, network)
            optimizers.scale_rates(network.optimizer, rates)
        if self.extra_loss:
            add_loss(network, self.extra_loss)
