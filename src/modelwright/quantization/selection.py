"""The selection of a file: the limits that it must keep, and which file is the best within them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from modelwright.quantization.methods import is_quantized
from modelwright.quantization.table import Variant

DEFAULT_DROP = 0.3
"""Points of accuracy that a recommended file may lose, where the user set no limit."""
_HARDLY_LARGER = 1.05


@dataclass(frozen=True)
class QuantizationLimits:
    """Limits that a file must keep; None is no limit."""

    drop: float | None = None
    """Points of accuracy that it may lose."""
    mib: float | None = None
    """Size in MiB."""
    latency_ms: float | None = None
    """Median time for one row."""

    def problem(self, variant: Variant) -> str | None:
        """Returns which limit a variant exceeds, None where it keeps all."""
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
        """Returns what to try where the variant ``name`` exceeds a limit."""
        best, reason = select_variant(variants, self)
        if best:
            return f"{best} would do: {reason}."
        if self.drop is not None and -100 * variants[name].change > self.drop:
            return (
                "Where integers lose too much: --finetune 2 trains on with rounded weights;"
                " dynamic and float16 keep fractions in between."
            )
        return "A smaller network would be smaller and faster: fewer or narrower layers."


def select_variant(
    variants: Mapping[str, Variant], limits: QuantizationLimits
) -> tuple[str | None, str]:
    """Returns the smallest quantized file within the limits, and why; None where there is none."""
    limits = replace(limits, drop=DEFAULT_DROP) if limits.drop is None else limits
    files = {name: variant for name, variant in variants.items() if is_quantized(name)}
    problems = {name: limits.problem(variant) for name, variant in files.items()}
    fitting = {name: variant for name, variant in files.items() if not problems[name]}
    if not fitting:
        reasons = (f"{name} {problem}" for name, problem in problems.items())
        return None, "; ".join(reasons) or "no file could be made"
    smallest = min(fitting, key=lambda name: fitting[name].bytes)
    # A faster file that is hardly larger is worth its bytes.
    limit = _HARDLY_LARGER * fitting[smallest].bytes
    near = [name for name in fitting if fitting[name].bytes <= limit]
    best = min(near, key=lambda name: fitting[name].cost.latency_ms["p50"])
    one = fitting[best]
    which = "the smallest" if best == smallest else "hardly larger than the smallest and faster,"
    gain = f", {one.times_smaller:.2f} times smaller than float32" if one.times_smaller else ""
    return best, (
        f"{which} of {len(fitting)} within the limits, {one.bytes / 2**20:.2f} MiB{gain},"
        f" {one.times_faster:.1f} times as fast as TensorFlow, {100 * one.change:+.2f} points"
    )
