"""``modelwright.update``: a model in use learns new rows, and goes live only if that is shown."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Unpack

from modelwright.core.errors import ConfigError, RunError
from modelwright.core.files import explained_refusals
from modelwright.core.types import Progress
from modelwright.training.runtime import without_retracing_warnings
from modelwright.updating.base_model import BaseModel, find_base
from modelwright.updating.gate import MAX_DROP
from modelwright.updating.job import Job
from modelwright.updating.lock import lock_updates, remove_unused
from modelwright.updating.report import UpdateReport
from modelwright.updating.settings import UpdateOptions, resolve_update
from modelwright.updating.work_folder import resume_advice, tidy


@without_retracing_warnings()
def update(
    model: Path | str,
    data: Path | str,
    *,
    strategy: str = "auto",
    max_drop: float = MAX_DROP,
    out: Path | str | None = None,
    progress: Progress | None = None,
    **options: Unpack[UpdateOptions],
) -> UpdateReport:
    """Lets a model learn new rows, and writes the next version if the gate lets it pass.

    New rows must gain in macro-F1, old ones may lose little; both are shown by intervals on rows
    that trained nothing. Otherwise nothing is changed.

        >>> report = update("models/reviews", "new.csv")
        >>> report.written, report.version, report.reason

    Args:
        model: ``models/NAME`` for its live version, ``models/NAME/VERSION``, or a run's folder. A
            servable gets a new version; a run stays as it is and gets a new run beside it.
        data: the new labeled rows: a path or the name of a set.
        strategy: the name of a strategy, or ``auto`` for the best of all that fit.
        max_drop: points of macro-F1 that old rows may lose, the interval's end included.
        out: the folder of the new run; ``RUN-2`` by default. Not for a servable.
        progress: called with each step.
        options: ``max_class_drop``, points of F1 that a single old class may lose (3);
            ``memory``, the largest number of examples to keep (2,000; 0 keeps no rows);
            ``minutes``, the time for the strategies; ``old_data``, the rows of the training where
            they cannot be found; ``data_root``, where they are now; ``settings``, the table
            ``data`` for the new rows; ``new_classes``, whether unknown labels are new classes;
            ``seed``; ``dry_run``; ``resume``.

    Raises:
        ConfigError: an option cannot be used.
        DataError: the new rows or those of the training cannot be used.
        RunError: the run cannot be used, or ``out`` is not empty.
        ServableError: the servable cannot be used or written, or another process updates it.
        ParityError: an engine does not give the answers of the network. Nothing was written.
        WriteError: the disk is full, or the folder cannot be written.
    """
    settings = resolve_update(strategy, max_drop, **options)
    job = Job(Path(model), str(data), settings, time.monotonic(), progress)
    base = find_base(model)
    target = _new_run(base, out)
    if settings.dry_run:
        with explained_refusals(base.memory), tempfile.TemporaryDirectory() as temporary:
            read = job.read(base)
            return job.measure(base, read, Path(temporary), target)[0]
    memory = base.memory
    created = not memory.exists()
    with explained_refusals(memory, lambda: resume_advice(memory)), lock_updates(memory):
        try:
            if base.model:
                tidy(base.model, memory)
                base = find_base(model)  # another update may have just ended
            return job.run(base, _new_run(base, out))
        finally:
            if created:
                remove_unused(memory)


def _new_run(base: BaseModel, out: Path | str | None) -> Path | None:
    """Returns the folder of the new run; None for a servable.

    Raises:
        ConfigError: ``out`` was given for a servable.
        RunError: it is not empty.
    """
    if base.model:
        if out is not None:
            raise ConfigError(
                f"--out was given {out}, and {base.home} is a servable, which gets its next version"
                " in its own folder; leave --out out."
            )
        return None
    if out is None:
        number = 2
        while base.path.with_name(f"{base.path.name}-{number}").exists():
            number += 1
        return base.path.with_name(f"{base.path.name}-{number}")
    path = Path(out)
    if path.exists():
        raise RunError(f"the run folder {path} exists; choose another with --out.")
    return path
