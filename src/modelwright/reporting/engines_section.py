"""The engines of a servable: their check against the network, and the table of quantization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from modelwright.core.blocks import Facts, Note, Table
from modelwright.quantization.table import TABLE_FILE
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import Chart, Element, Section, Warnings
from modelwright.reporting.evaluation_record import Interval
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import EMPTY, Words, count, share, short


class _Cost(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    cold_seconds: float
    latency_ms: dict[str, float]
    rows_per_second: float
    peak_mib: float


class _Variant(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    bytes: int
    accuracy: float
    accuracy_interval: Interval
    change: float
    flips: float
    times_smaller: float | None = None
    cost: _Cost


class _QuantizationRecord(BaseModel):
    """What the page shows of ``table.json``. Unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    split: str
    rows: int
    machine: str
    variants: dict[str, _Variant]
    missing: dict[str, str] = {}
    recommended: str | None = None
    reason: str = ""


def engines_section(subject: Subject, t: Words) -> Section:
    """Returns what each engine of the servable gives and costs."""
    title = t("Engines and quantization")
    manifest, folder = subject.manifest, subject.servable
    if manifest is None or folder is None:
        return Section("engines", title, [Note(t("There is no servable of these weights here, so"
                                                 " there are no engines."))])  # fmt: skip
    headers = (t("engine"), t("checked rows"), t("largest difference"), t("labels changed"))
    rows = [(name, *_check(figures)) for name, figures in manifest.engines.items()]
    content: list[Element] = [Table(headers, rows, t("Engines, checked against the network"))]
    if manifest.missing:
        missing = [(name, short(reason, 200)) for name, reason in manifest.missing.items()]
        content.append(Table((t("engine"), t("why it is missing")), missing, t("Missing engines")))
    path = folder / TABLE_FILE
    try:
        record = _QuantizationRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        content.append(Note(t("It was not quantized, so there is no table of sizes and times.")))
        return Section("engines", title, content)
    except (OSError, ValidationError) as error:
        problem = str(error).splitlines()[0]
        reason = t(
            "The table of quantization cannot be read: {reason}", reason=f"{path}: {problem}"
        )
        return Section("engines", title, [*content, Warnings([reason])])
    return Section("engines", title, [*content, *_quantized(record, t)])


def _check(figures: Mapping[str, Any]) -> tuple[object, object, object]:
    difference = figures.get("max_difference")
    shown = f"{difference:.1e}" if isinstance(difference, int | float) else EMPTY
    return figures.get("rows", EMPTY), shown, figures.get("labels_changed", EMPTY)


def _quantized(record: _QuantizationRecord, t: Words) -> list[Element]:
    said = Said(
        t("Accuracy of each engine"),
        t("Measured on {rows} rows ({split}); the lines are 95 % intervals over the rows.",
          rows=count(record.rows), split=t.evaluated(record.split)),
        t("accuracy in %"),
    )  # fmt: skip
    dots = [Dot(name, one.accuracy, *one.accuracy_interval, main=name == record.recommended)
            for name, one in record.variants.items()]  # fmt: skip
    headers = (t("engine"), "MiB", t("times smaller"), t("accuracy"), t("points"),
               t("labels changed"), "p50 ms", "p95 ms", "p99 ms", t("rows/s"), t("cold start s"),
               t("peak MiB"))  # fmt: skip
    rows = [
        (name, f"{one.bytes / 2**20:.2f}",
         f"{one.times_smaller:.2f}" if one.times_smaller else EMPTY, share(one.accuracy),
         f"{100 * one.change:+.2f}", share(one.flips),
         *(f"{one.cost.latency_ms.get(key, float('nan')):.2f}" for key in ("p50", "p95", "p99")),
         f"{one.cost.rows_per_second:,.0f}", f"{one.cost.cold_seconds:.2f}",
         f"{one.cost.peak_mib:,.0f}")
        for name, one in record.variants.items()
    ]  # fmt: skip
    table = Table(headers, rows, t("Size, accuracy and time of each engine, one thread"))
    facts: list[tuple[str, object]] = [
        (t("machine"), record.machine),
        (t("recommended"), record.recommended or t("none")),
    ]
    facts += [(t("{name} is missing", name=name), short(reason, 200))
              for name, reason in record.missing.items()]  # fmt: skip
    chart = Chart(charts.dot_plot(dots, said), said.title, said.description, table)
    return [chart, Facts(t("Quantization"), facts)]
