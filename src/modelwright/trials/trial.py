"""A trial: one config to train and measure once, and where its files lie. Loads no framework."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelwright.core.config import Config
from modelwright.runs.run import load_run


@dataclass(frozen=True)
class Trial:
    """One config to train and measure.

    ``variant`` names what the config tries; trials with the same name differ in their seed.
    ``run`` is the folder of the training and ``result`` the file of the result. Two trials that
    are measured in different ways can share a run. ``split`` has the rows to measure on, and
    ``tta`` asks for test-time augmentation.
    """

    variant: str
    config: Config
    run: Path
    result: Path
    split: Literal["test", "val"] = "test"
    tta: bool = False

    @property
    def seed(self) -> int:
        """The random seed."""
        return self.config.train.seed

    @property
    def key(self) -> tuple[str, int]:
        """The variant and the seed, which identify a trial among others."""
        return self.variant, self.seed

    @property
    def name(self) -> str:
        """The variant and the seed, for a person."""
        return f"{self.variant}, seed {self.seed}"

    @property
    def begun(self) -> bool:
        """Whether there is a run to go on from."""
        return (self.run / "run.json").exists()

    @property
    def trained(self) -> bool:
        """Whether the training has finished, so that only the evaluation is left."""
        return self.begun and load_run(self.run, unfinished=True).status == "finished"
