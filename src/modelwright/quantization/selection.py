"""The figures from which a file of a servable is chosen, and the choice. Numbers in, words out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.metrics import compute_metrics
from modelwright.core.statistics import bonett_price_interval
from modelwright.core.terminal import percent, table
from modelwright.core.types import FloatArray, IntArray
from modelwright.servable.cost import Cost

DROP = 0.3
"""Points that a file may lose to be recommended, where nothing else was said."""
_WIDE = 130


@dataclass(frozen=True)
class Variant:
    """One engine beside the base. Shares are of 1."""

    bytes: int
    times_smaller: float | None
    """Than the float32 file of the same engine."""
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    change: float
    """Accuracy less that of the base."""
    interval: tuple[float, float]
    """95 % of that change: rows paired, Bonett and Price (2012)."""
    flips: float
    """Share of the rows that have another label than the base gives them."""
    max_difference: float
    """The largest between a probability and that of the base."""
    calibration_change: float
    """Expected calibration error less that of the base."""
    times_faster: float
    """Than the base, one row at a time, from raw input to probabilities, medians."""
    network_times_faster: float
    """The same without what stands before the network."""
    cost: Cost


@dataclass(frozen=True)
class Limits:
    """What a file may cost; None is no limit."""

    drop: float | None = None
    """Points of accuracy lost."""
    mib: float | None = None
    latency_ms: float | None = None
    """Median of one row."""

    def problem(self, variant: Variant) -> str | None:
        """What is beyond a limit, None where nothing is."""
        lost, mib = -100 * variant.change, variant.bytes / 2**20
        median = variant.cost.latency_ms["p50"]
        if self.drop is not None and lost > self.drop + 1e-9:
            return f"loses {lost:.2f} points of accuracy, more than the {self.drop:g} of --max-drop"
        if self.mib is not None and mib > self.mib:
            return f"has {mib:.2f} MiB, more than the {self.mib:g} of --max-size"
        if self.latency_ms is not None and median > self.latency_ms:
            return f"takes {median:.3f} ms, more than the {self.latency_ms:g} of --max-latency"
        return None

    def advice(self, name: str, variants: Mapping[str, Variant]) -> str:
        """What else to try."""
        best, reason = choose(variants, self)
        if best:
            return f"{best} would do: {reason}."
        if self.drop is not None and -100 * variants[name].change > self.drop:
            return (
                "Where whole numbers lose too much: --finetune 2 trains on with rounded weights;"
                " dynamic and float16 keep fractions in between."
            )
        return "A smaller network would be smaller and faster: fewer or narrower layers."


@dataclass(frozen=True)
class QuantizeReport:
    """``variants`` maps each engine to its figures, ``missing`` each that is not there to why."""

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
        """For a machine."""
        variants = {name: asdict(variant) for name, variant in self.variants.items()}
        return {**vars(self), "servable": str(self.servable), "variants": variants}

    def render(self) -> str:
        """For a person."""
        rows = []
        for name, one in self.variants.items():
            p50, p95, p99 = (one.cost.latency_ms[key] for key in ("p50", "p95", "p99"))
            rows.append(
                (
                    name,
                    f"{one.bytes / 2**20:.2f}",
                    f"{one.times_smaller:.2f}" if one.times_smaller else "",
                    percent(one.accuracy),
                    f"{100 * one.change:+.2f}",
                    f"{100 * one.flips:.2f} %",
                    f"{p50:.2f}/{p95:.2f}/{p99:.2f}",
                    f"{one.times_faster:.1f}",
                    f"{one.cost.rows_per_second:,.0f}",
                    f"{one.cost.cold_seconds:.2f}",
                    f"{one.cost.peak_mib:,.0f}",
                )
            )
        heads = ["engine", "MiB", "smaller", "accuracy", "points", "flips", "p50/95/99 ms"]
        heads += ["faster", "rows/s", "s cold", "peak MiB"]
        about = [
            ("rows", f"{self.rows:,} of the split {self.split}"),
            ("machine", self.machine),
            *((f"{name} is missing", reason) for name, reason in self.missing.items()),
            ("recommended", f"{self.recommended or 'none'}: {self.reason}"),
            ("written", ", ".join(self.written) or "nothing"),
        ]
        what = table((f"quantized {self.servable}", ""), about)
        return f"{table(heads, rows, width=_WIDE)}\n\n{what}"


def compared(
    answers: Mapping[str, FloatArray],
    costs: Mapping[str, Cost],
    sizes: Mapping[str, int],
    labels: IntArray,
    *,
    base: str,
    whole: str,
) -> dict[str, Variant]:
    """The figures of every engine.

    Args:
        answers: of each, float32 ``[n, classes]``.
        costs: of each.
        sizes: bytes of each.
        labels: the true ones, ``[n]``.
        base: the engine that others are compared with.
        whole: the engine whose size the sizes of its like are compared with, if it is there.
    """
    figures = {name: compute_metrics(given, labels) for name, given in answers.items()}
    right = {name: given.argmax(axis=1) == labels for name, given in answers.items()}
    found = {}
    for name, given in answers.items():
        difference = right[name].astype(np.float64) - right[base]
        change = float(difference.mean())
        alike = whole in sizes and name.partition("-")[0] == whole.partition("-")[0]
        found[name] = Variant(
            bytes=sizes[name],
            times_smaller=sizes[whole] / sizes[name] if alike else None,
            accuracy=figures[name].accuracy,
            accuracy_interval=figures[name].accuracy_interval,
            macro_f1=figures[name].macro_f1,
            change=change,
            interval=bonett_price_interval(difference),
            flips=float(np.mean(given.argmax(axis=1) != answers[base].argmax(axis=1))),
            max_difference=float(np.abs(given - answers[base]).max(initial=0.0)),
            calibration_change=figures[name].calibration_error - figures[base].calibration_error,
            times_faster=costs[base].latency_ms["p50"] / costs[name].latency_ms["p50"],
            network_times_faster=costs[base].network_ms / costs[name].network_ms,
            cost=costs[name],
        )
    return found


def choose(variants: Mapping[str, Variant], limits: Limits) -> tuple[str | None, str]:
    """The smallest LiteRT file within the limits, and why; None where there is none."""
    limits = replace(limits, drop=DROP) if limits.drop is None else limits
    files = {name: one for name, one in variants.items() if name.startswith("litert-")}
    fit = {name: one for name, one in files.items() if not limits.problem(one)}
    if not fit:
        beyond = (f"{name} {limits.problem(one)}" for name, one in files.items())
        return None, "; ".join(beyond) or "no file could be made"
    smallest = min(fit, key=lambda name: fit[name].bytes)
    # A faster one that is hardly larger is worth its bytes.
    near = [name for name in fit if fit[name].bytes <= 1.05 * fit[smallest].bytes]
    best = min(near, key=lambda name: fit[name].cost.latency_ms["p50"])
    one = fit[best]
    which = "the smallest" if best == smallest else "hardly larger than the smallest and faster,"
    gain = f", {one.times_smaller:.2f} times smaller than float32" if one.times_smaller else ""
    return best, (
        f"{which} of {len(fit)} within the limits, {one.bytes / 2**20:.2f} MiB{gain},"
        f" {one.times_faster:.1f} times as fast as TensorFlow, {100 * one.change:+.2f} points"
    )
