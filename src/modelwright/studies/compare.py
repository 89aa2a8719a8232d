"""``modelwright.compare``: every variant with every seed, trained, measured, laid side by side.

Each training keeps its run and one result in the study's folder, so that a study which was
stopped goes on where it was. What the figures mean is in ``statistics`` and ``report``.
"""

from __future__ import annotations

import gc
import logging
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.errors import (
    ConfigError,
    DataError,
    MissingDependencyError,
    ModelwrightError,
    RunError,
)
from modelwright.core.files import write_json, write_text
from modelwright.core.hardware import detect
from modelwright.core.packages import versions
from modelwright.core.types import Progress
from modelwright.data.load import load_data
from modelwright.plots.study import Line, draw_study
from modelwright.runs import run as runs
from modelwright.studies import plan as plans
from modelwright.studies import report as reports
from modelwright.studies import tables, trial_results
from modelwright.studies.plan import Plan
from modelwright.studies.report import StudyReport
from modelwright.studies.trial_results import Result
from modelwright.studies.trials import Job, clear, list_jobs, refuse_changed, tidy, trained_on
from modelwright.training import runtime
from modelwright.training import train as engine
from modelwright.training.evaluate import evaluate


def compare(
    study: Path | str | Mapping[str, Any] | Plan,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> StudyReport:
    """Train and measure what a study names, and compare it.

    Args:
        study: a TOML file, or the same as a mapping, or a plan; ``studies.plan`` draws it.
        out: the study's folder; ``studies/NAME`` when not given. What has finished there is
            not repeated, what was broken off goes on.
        progress: told of each step.

    A training that fails is recorded, and the others go on; Ctrl-C ends with a report of the
    status ``stopped``.

    Raises:
        ConfigError: the study cannot be used, or its variants read different rows.
        DataError: the rows cannot be used.
        RunError: the folder holds trainings of other settings or other rows.
    """
    plan = study if isinstance(study, Plan) else plans.read(study)
    folder = Path(out) if out is not None else Path("studies") / plan.name
    named = str(study) if isinstance(study, Path | str) else "STUDY.toml"
    command = plan.command or shlex.join(["modelwright", "compare", named, "--out", str(folder)])
    jobs = list_jobs(plan, folder)
    known = {job.name: trial_results.read(job.result) for job in jobs}
    refuse_changed(jobs, known)
    done = {
        (job.variant.name, job.seed): found
        for job in jobs
        if (found := known[job.name]) and found.error is None
    }
    todo = [job for job in jobs if (job.variant.name, job.seed) not in done]
    tidy(plan, [job for job in jobs if job not in todo], todo)
    report = reports.build(plan, folder, done, command)
    logging.getLogger("tensorflow").addFilter(_not_of_retracing)
    try:
        if todo:
            fingerprint = _fingerprint(plan, done, progress)
        for number, job in enumerate(todo, 1):
            tell = _suffixed(progress, f"{job.name}, {number} of {len(todo)}")
            found = _run(job, plan, fingerprint, tell)
            if found is None:
                break
            done[job.variant.name, job.seed] = found
            report = reports.build(plan, folder, done, command)
            _write(report)
            if found.error is None:
                tidy(plan, [job], todo[number:])
    except KeyboardInterrupt:
        pass  # the report's status says so
    finally:
        logging.getLogger("tensorflow").removeFilter(_not_of_retracing)
    _write(report)
    return report


def _not_of_retracing(record: logging.LogRecord) -> bool:
    """Every network of a study is traced anew, which TensorFlow takes for a slip."""
    return "retracing" not in str(record.msg)


def _fingerprint(
    plan: Plan, done: Mapping[tuple[str, int], Result], progress: Progress | None
) -> str:
    """That of the rows, which all variants and all finished trainings must share."""
    seen: dict[str, str] = {}
    first = ""
    for variant in plan.variants:
        config = variant.config(plan.name, plan.seeds[0]).data
        key = config.model_dump_json()
        if key in seen:
            continue
        data = load_data(config, progress=progress)
        if plan.split not in data.splits:
            raise DataError(
                f"{data.source} has no {plan.split} rows to compare on; it has:"
                f" {', '.join(data.splits)}."
            )
        seen[key] = data.fingerprint
        first = first or data.fingerprint
        if data.fingerprint != first:
            raise ConfigError(
                f"variant '{variant.name}' reads other rows or splits than"
                f" '{plan.variants[0].name}' (fingerprint {data.fingerprint[:12]}, not"
                f" {first[:12]}); a comparison needs the same, so leave data.* alone there."
            )
    for (name, seed), result in done.items():
        if result.fingerprint != first:
            raise RunError(
                f"the rows changed since {name}, seed {seed} was trained (fingerprint"
                f" {result.fingerprint[:12]}, now {first[:12]}); bring them back, or give the"
                " study another folder with --out."
            )
    return first


def _run(job: Job, plan: Plan, fingerprint: str, progress: Progress | None) -> Result | None:
    """Train what is left to train and measure it; None where a person stopped it."""
    clear(job)
    record: dict[str, Any] = {
        "variant": job.variant.name,
        "seed": job.seed,
        "config": job.settings,
        "fingerprint": fingerprint,
        "machine": _machine(),
    }
    try:
        if not job.begun:
            status = engine.train(job.config, out=job.run, progress=progress).status
        elif runs.load(job.run, unfinished=True).status != "finished":
            status = engine.resume(job.run, progress=progress).status
        else:
            status, record["machine"] = "finished", trained_on(job) or record["machine"]
        if status != "finished":
            return None
        report = evaluate(job.run, split=plan.split, tta=job.variant.tta, progress=progress)
        order, right = trial_results.answers_of(report)
        run = runs.load(job.run)
        record["fingerprint"], figures = (
            run.data["fingerprint"],
            trial_results.figures_of(run, report),
        )
        found = Result(**record, date=_today(), figures=figures, order=order, right=right)
    except MissingDependencyError:
        raise  # the same for every training
    except ModelwrightError as error:
        found = Result(**record, date=_today(), error=str(error))
    finally:
        _forget()
    found.write(job.result)
    return found


def _forget() -> None:
    """Free what Keras holds of the network before, so that memory does not grow by the run."""
    import keras

    keras.utils.clear_session()
    gc.collect()


def _machine() -> dict[str, Any]:
    hardware, gpu = detect(), runtime.gpu_details()
    name = None if gpu is None else str(gpu.get("device_name", "a GPU without a name"))
    return {
        "name": f"{hardware.name}, {name or 'no GPU'}",
        "memory_mib": hardware.memory_mib,
        "instruction_sets": list(hardware.instruction_sets),
        "versions": versions(),
    }


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def _suffixed(progress: Progress | None, text: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{what}  [{text}]", done, total)


def _write(report: StudyReport) -> None:
    """The table as it stands."""
    record = report.to_dict()
    write_json(report.folder / "study.json", record)
    lines = [
        Line(
            variant.name,
            [run.figures["accuracy"] for run in variant.runs],
            None if (mean := variant.accuracy) is None else (mean.value, mean.low, mean.high),
            variant.claimed,
        )
        for variant in report.variants
    ]
    measure = f"accuracy on the {report.split} rows of {report.data['source']}"
    measure += ", with test-time augmentation" if report.tta else ""
    seeds = len(report.seeds)
    title = f"{report.name}, {seeds} seed{'s' if seeds > 1 else ''}"
    draw_study(report.folder / "study.png", lines, title=title, measure=measure)
    write_text(report.folder / "study.md", tables.markdown(record))
