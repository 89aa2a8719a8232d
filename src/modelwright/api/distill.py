"""``modelwright.distill``: turns settings into a student's config and distills a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.config import Config
from modelwright.core.types import Progress
from modelwright.distillation.distill import Distilling
from modelwright.distillation.distill import distill as distill_config
from modelwright.distillation.report import DistillReport
from modelwright.distillation.settings import resolve_distillation
from modelwright.distillation.teacher import TextFunction
from modelwright.recipes.resolve import ResolvedConfig, is_config_file

Settings = ResolvedConfig | Config | Mapping[str, Any] | Path | str | None


def distill(
    teacher: Path | str | TextFunction,
    settings: Settings = None,
    *,
    unlabeled: Sequence[str] | str = (),
    options: Distilling | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> DistillReport:
    """Trains a small network on labels and on a teacher's answers.

    Without unlabeled texts, the student learns the teacher's answers to the labeled rows.

        >>> distill("my_encoder:vectors", "few.csv", unlabeled="more.csv", out="runs/small")
        >>> distill("runs/text-best", {"model": {"recipe": "bilstm"}}, unlabeled="more.csv")
        >>> distill("runs/cifar-best", {"model": {"recipe": "cnn"}})

    Args:
        teacher: what scores texts or images: the folder of a run, of a servable or of a sentence
            encoder with ``model.onnx`` and ``tokenizer.json``; a function, or its name as
            ``package.module:function``. A function takes a list of texts and returns class
            probabilities ``[n, classes]``, or vectors ``[n, d]`` for a logistic regression; or it
            takes uint8 images ``[n, h, w, c]`` and returns class probabilities.
        settings: the data, a TOML file, or a mapping of tables, as for ``train``. Without data,
            that of the teacher's run is taken.
        unlabeled: paths or named sets of texts without labels.
        options: how the teacher is read, and what is measured.
        out: the student's run folder; ``runs/NAME-TIME`` by default.
        progress: called with each step.

    Raises:
        ConfigError: the teacher or a setting cannot be used.
        DataError: the data cannot be used.
        RunError: a run cannot be used.
        ServableError: the servable cannot be used.
        MissingDependencyError: the teacher needs a package that is not installed.
    """
    if isinstance(settings, Config):
        settings = ResolvedConfig(settings)
    if not isinstance(settings, ResolvedConfig):
        more = [unlabeled] if isinstance(unlabeled, str) else list(unlabeled)
        settings = _resolve(teacher, settings, more, progress)
    return distill_config(
        teacher,
        settings.config,
        options=options,
        out=out,
        notes=settings.notes,
        progress=progress,
    )


def _resolve(
    teacher: object,
    settings: Mapping[str, Any] | Path | str | None,
    unlabeled: Sequence[str],
    progress: Progress | None,
) -> ResolvedConfig:
    if settings is None or isinstance(settings, Mapping):
        return resolve_distillation(teacher, None, settings or {}, unlabeled, progress=progress)
    if is_config_file(settings):
        return resolve_distillation(teacher, Path(settings), {}, unlabeled, progress=progress)
    tables = {"data": {"source": str(settings)}}
    return resolve_distillation(teacher, None, tables, unlabeled, progress=progress)
