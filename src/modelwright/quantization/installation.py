"""The installation of selected files: records them in the copy, then renames them into place."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from modelwright.core.files import move_into_place, write_json
from modelwright.plots.quantize import draw_quantize
from modelwright.quantization.candidates import MeasuredRows, Measurements, other_engines
from modelwright.quantization.methods import ENGINE, ENGINE_FOLDER, method_of
from modelwright.quantization.table import PLOT_FILE, TABLE_FILE, QuantizeReport
from modelwright.servable.examples import Examples, write_examples
from modelwright.servable.manifest import EXAMPLES, MANIFEST, Manifest, write_manifest

_RECORDED_ROWS = 32


def record_selection(
    copy: Path,
    manifest: Manifest,
    report: QuantizeReport,
    rows: MeasuredRows,
    measured: Measurements,
) -> None:
    """Leaves only the selected files in the copy, with their recorded answers and the table.

    Args:
        copy: the copy of the servable that has all files.
        manifest: the manifest of the servable.
        report: the report, which names the files to keep.
        rows: the rows that were measured.
        measured: the answers to them.
    """
    selected = {copy / ENGINE.file(name) for name in report.written}
    for file in (copy / ENGINE_FOLDER).iterdir():
        if file not in selected:
            file.unlink()
    engines = other_engines(manifest)
    recorded = rows.inputs[:_RECORDED_ROWS]
    for name in report.written:
        method, variant = method_of(name), report.variants[name]
        path = f"{ENGINE_FOLDER}/{method.name}.{EXAMPLES}"
        answers = measured.answers[name][: len(recorded)]
        write_examples(copy / path, Examples(recorded, answers), manifest.task)
        engines[name] = {
            "tolerance": method.tolerance,
            "examples": path,
            "rows": report.rows,
            "split": report.split,
            "accuracy": variant.accuracy,
            "change": variant.change,
            "flips": variant.flips,
        }
    write_json(copy / TABLE_FILE, report.to_dict())
    draw_quantize(
        copy / PLOT_FILE,
        {
            name: (one.bytes / 2**20, one.cost.latency_ms["p50"], 100 * one.change)
            for name, one in report.variants.items()
        },
        {name: tuple(100 * end for end in one.interval) for name, one in report.variants.items()},
    )
    write_manifest(replace(manifest, engines=engines), copy)


def install_files(copy: Path, folder: Path) -> None:
    """Renames the folder of files from the copy into the servable, then the manifest.

    Where one of the two fails, the servable is as it was.
    """
    installed, before = folder / ENGINE_FOLDER, copy.with_name("before")
    if installed.exists():
        installed.rename(before)
    try:
        (copy / ENGINE_FOLDER).rename(installed)
        move_into_place(copy / MANIFEST, folder / MANIFEST)
    except BaseException:
        shutil.rmtree(installed, ignore_errors=True)
        if before.exists():
            before.rename(installed)
        raise
