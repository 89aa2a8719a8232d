"""The table of variants: the figures of every engine of a servable, and the report of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.metrics import compute_metrics
from modelwright.core.report import Report
from modelwright.core.statistics import bonett_price_interval
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, IntArray
from modelwright.quantization.methods import BASELINE, ENGINE_FOLDER, METHODS
from modelwright.servable.cost import Cost
from modelwright.servable.engines.kinds import kind_of
from modelwright.servable.engines.registry import REFERENCE

TABLE_FILE = f"{ENGINE_FOLDER}/table.json"
PLOT_FILE = f"{ENGINE_FOLDER}/table.png"
_WIDTH = 130


@dataclass(frozen=True)
class Variant:
    """The figures of one engine, some of them compared with the SavedModel. Shares are of 1."""

    bytes: int
    times_smaller: float | None
    """How many times the float32 file of the same engine is larger."""
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    change: float
    """Accuracy minus that of the SavedModel."""
    interval: tuple[float, float]
    """The 95 % interval of that change: rows paired, Bonett and Price (2012)."""
    flips: float
    """Share of the rows whose label differs from the SavedModel's."""
    max_difference: float
    """The largest difference of a probability from the SavedModel's."""
    calibration_change: float
    """Expected calibration error minus that of the SavedModel."""
    times_faster: float
    """Than the SavedModel: medians of one row, from raw input to probabilities."""
    network_times_faster: float
    """The same for the network alone, without preparing the input."""
    cost: Cost


@dataclass(frozen=True)
class QuantizeReport(Report):
    """What ``quantize`` measured and wrote.

    ``variants`` maps each engine to its figures, ``missing`` each that is not there to the reason.
    """

    servable: Path
    split: str
    rows: int
    machine: str
    variants: dict[str, Variant]
    missing: dict[str, str]
    recommended: str | None
    reason: str
    written: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        variants = {name: asdict(variant) for name, variant in self.variants.items()}
        return {**vars(self), "servable": str(self.servable), "variants": variants}

    def blocks(self) -> Sequence[Block]:
        """Returns the table of the variants, and what was recommended and written."""
        headers = ["engine", "MiB", "smaller", "accuracy", "points", "flips", "p50/95/99 ms"]
        headers += ["faster", "rows/s", "s cold", "peak MiB"]
        rows = [_row(name, variant) for name, variant in self.variants.items()]
        facts = [
            ("rows", f"{self.rows:,} of the split {self.split}"),
            ("machine", self.machine),
            *((f"{name} is missing", reason) for name, reason in self.missing.items()),
            ("recommended", f"{self.recommended or 'none'}: {self.reason}"),
            ("written", ", ".join(self.written) or "nothing"),
        ]
        return [Table(headers, rows, width=_WIDTH), Facts(f"quantized {self.servable}", facts)]


def _row(name: str, variant: Variant) -> tuple[str, ...]:
    p50, p95, p99 = (variant.cost.latency_ms[key] for key in ("p50", "p95", "p99"))
    return (
        name,
        f"{variant.bytes / 2**20:.2f}",
        f"{variant.times_smaller:.2f}" if variant.times_smaller else "",
        percent(variant.accuracy),
        f"{100 * variant.change:+.2f}",
        f"{100 * variant.flips:.2f} %",
        f"{p50:.2f}/{p95:.2f}/{p99:.2f}",
        f"{variant.times_faster:.1f}",
        f"{variant.cost.rows_per_second:,.0f}",
        f"{variant.cost.cold_seconds:.2f}",
        f"{variant.cost.peak_mib:,.0f}",
    )


def compare_variants(
    answers: Mapping[str, FloatArray],
    costs: Mapping[str, Cost],
    sizes: Mapping[str, int],
    labels: IntArray,
) -> dict[str, Variant]:
    """Returns the figures of every engine.

    Args:
        answers: probabilities of each engine, float32 ``[n, classes]``; the SavedModel's among
            them.
        costs: the cost of each engine.
        sizes: the size of each engine's files, in bytes.
        labels: the true labels, ``[n]``.
    """
    baseline = METHODS[BASELINE].engine
    figures = {name: compute_metrics(answer, labels) for name, answer in answers.items()}
    correct = {name: answer.argmax(axis=1) == labels for name, answer in answers.items()}
    reference, reference_cost = answers[REFERENCE], costs[REFERENCE]
    variants = {}
    for name, answer in answers.items():
        difference = correct[name].astype(np.float64) - correct[REFERENCE]
        change = float(difference.mean())
        comparable = baseline in sizes and kind_of(name) == kind_of(baseline)
        calibration_error = figures[name].calibration_error
        variants[name] = Variant(
            bytes=sizes[name],
            times_smaller=sizes[baseline] / sizes[name] if comparable else None,
            accuracy=figures[name].accuracy,
            accuracy_interval=figures[name].accuracy_interval,
            macro_f1=figures[name].macro_f1,
            change=change,
            interval=bonett_price_interval(difference),
            flips=float(np.mean(answer.argmax(axis=1) != reference.argmax(axis=1))),
            max_difference=float(np.abs(answer - reference).max(initial=0.0)),
            calibration_change=calibration_error - figures[REFERENCE].calibration_error,
            times_faster=reference_cost.latency_ms["p50"] / costs[name].latency_ms["p50"],
            network_times_faster=reference_cost.network_ms / costs[name].network_ms,
            cost=costs[name],
        )
    return variants
