"""One run in full: its settings, data, scores and exports, and the command that comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.backend import BACKENDS
from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.config import setting
from modelwright.core.errors import RunError
from modelwright.core.folders import is_run, wrong_folder
from modelwright.core.report import Report
from modelwright.core.statistics import wilson_interval
from modelwright.core.terminal import percent, shorten
from modelwright.runs.exports import shown
from modelwright.runs.run import Run
from modelwright.runs.settings import chosen_settings
from modelwright.runs.summary import RunSummary, find_models, next_step, summarize_run

_LABELS = 8


@dataclass(frozen=True)
class RunReport(Report):
    """A run, with what its folder shows of it."""

    summary: RunSummary

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        summary, run = self.summary, self.summary.run
        if run is None:
            return summary.to_dict()
        return {
            **summary.to_dict(),
            "config": run.config.model_dump(),
            "labels": list(run.labels),
            "metrics": dict(run.metrics),
            **({"backbone": dict(run.backbone)} if run.backbone else {}),
            **({"solution": dict(run.solution)} if run.solution else {}),
            "backend": run.backend,
            "precision": dict(run.precision),
            "versions": dict(run.versions),
            "next": next_step(summary) or None,
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the facts, the settings, the evaluations, the exports and the next command."""
        summary, run = self.summary, self.summary.run
        if run is None:
            facts = [("status", "damaged"), ("problem", summary.problem)]
            return [Facts(shown(summary.path), facts), Note(next_step(summary))]
        blocks: list[Block] = [Facts(shown(summary.path), list(_facts(summary, run)))]
        chosen = [(key, setting(value)) for key, value in chosen_settings(run.config).items()]
        if chosen:
            blocks.append(Table(("settings other than the defaults", ""), chosen))
        if summary.evaluations:
            headers = ("evaluated on", "rows", "accuracy % (95 %)", "macro-F1", "source")
            blocks.append(Table(headers, [
                (one.name, one.rows, one.describe(), one.macro_f1 or 0.0, shorten(one.source, 40))
                for one in summary.evaluations
            ]))  # fmt: skip
        if summary.exports:
            rows = [(one.describe(), one.created) for one in summary.exports]
            blocks.append(Table(("exported as", "at"), rows))
        step = next_step(summary)
        return [*blocks, Note(step)] if step else blocks


def show_run(path: Path | str) -> RunReport:
    """Returns a report about one run.

    Raises:
        RunError: the folder is not a run.
    """
    path = Path(path)
    if not is_run(path):
        raise RunError(wrong_folder(path, "run"))
    return RunReport(summarize_run(path, find_models(path.resolve().parent)))


def describe_epochs(metrics: Mapping[str, Any]) -> str:
    """Returns how many epochs a training had, and which one its weights are of."""
    if not metrics.get("epoch_chosen", True):  # runs of earlier versions chose always
        return f"{metrics['epochs']}, the last was taken"
    return f"{metrics['epochs']}, the best was number {metrics['best_epoch']}"


def describe_speed(speed: Mapping[str, float]) -> list[tuple[str, object]]:
    """Returns the lines of a report about the speed of the steps; none without steps."""
    lines: list[tuple[str, object]] = []
    if "step_ms" in speed:
        lines.append((
            "steps",
            f"{speed['step_ms']:,.1f} ms each, {percent(speed['waiting_share'])} of the time"
            " waiting for batches",
        ))  # fmt: skip
    gpu = []
    if "gpu_utilization" in speed:
        gpu.append(f"{percent(speed['gpu_utilization'])} busy")
    if "gpu_memory_mib" in speed:
        gpu.append(f"at most {speed['gpu_memory_mib']:,.0f} MiB")
    return [*lines, *([("GPU", ", ".join(gpu))] if gpu else [])]


def describe_cluster(cluster: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Returns the lines of a report about processes that trained together; none for one."""
    if not cluster:
        return []
    devices = f"{cluster['processes']:,} with {cluster['devices']:,} devices"
    return [("processes", f"{devices}, found: {cluster['found']}")]


def describe_solution(solution: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Returns the lines of a report about a solved network; none about others."""
    if not solution:
        return []
    choice = ", ".join(f"{key}={value}" for key, value in solution["choice"].items())
    lines: list[tuple[str, object]] = [("solved", choice)]
    if solution["folds"]:
        low, high = wilson_interval(solution["correct"], solution["rows"])
        accuracy = percent(solution["cross_validated_accuracy"])
        times = f"{solution['folds']} folds" if solution["folds"] > 1 else "a fold"
        lines.append((
            "cross-validated accuracy",
            f"{accuracy}  (95 %: {percent(low)} to {percent(high)}), {times} with"
            f" {solution['rows']:,} training rows left out",
        ))  # fmt: skip
    return lines


def _facts(summary: RunSummary, run: Run) -> Iterator[tuple[str, object]]:
    metrics = run.metrics if run.finished else {}
    yield "status", summary.describe_status()
    yield "recipe", run.config.recipe
    yield "data", run.data["source"]
    yield "rows", ", ".join(f"{split} {count:,}" for split, count in run.data["rows"].items())
    yield "fingerprint", run.data["fingerprint"][:12]
    more = f" and {len(run.labels) - _LABELS} more" if len(run.labels) > _LABELS else ""
    yield f"{len(run.labels)} labels", ", ".join(run.labels[:_LABELS]) + more
    if summary.val:
        yield "validation accuracy", f"{summary.val.describe()} %, 95 % interval"
    yield from describe_solution(run.solution)
    measured = [one for one in metrics.get("baselines", ()) if one["accuracy"] is not None]
    if measured:
        best = max(measured, key=lambda one: float(one["accuracy"]))
        yield "strongest baseline", f"{percent(best['accuracy'])}, {best['name']}"
    if "train_accuracy" in metrics:
        yield "training accuracy", percent(metrics["train_accuracy"])
    if "epochs" in metrics:
        yield "epochs", describe_epochs(metrics)
        yield "seconds", f"{metrics['seconds']:,.1f}"
        yield "parameters", metrics["parameters"]
    yield from describe_speed(metrics.get("speed", {}))
    yield from describe_cluster(run.cluster)
    if run.backbone:
        yield "backbone", f"{run.backbone['name']}, sha256 {run.backbone['sha256'][:12]}"
        yield "license of the backbone", run.backbone["license"]
    yield "backend", BACKENDS.get(run.backend, run.backend)
    if run.precision:
        yield "precision", f"{run.precision['policy']} ({run.precision['reason']})"
    yield "versions", ", ".join(f"{name} {number}" for name, number in run.versions.items())
    for note in run.data.get("notes", ()):
        yield "note", note
