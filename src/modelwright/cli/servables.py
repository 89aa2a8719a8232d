"""The commands about servables: ``export``, ``quantize``, ``verify`` and ``benchmark``."""

from __future__ import annotations

from typing import Annotated

import typer

import modelwright
from modelwright.cli.options import (
    AsJson,
    ModelFolder,
    Quiet,
    RunFolder,
    ServableFolder,
    TestTimeAugmentation,
)
from modelwright.cli.output import print_report, show_progress


def export(
    run: RunFolder,
    destination: ModelFolder,
    version: Annotated[
        int | None, typer.Option(help="Version number; the next one by default.")
    ] = None,
    tta: TestTimeAugmentation = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Export a run as the next version of a servable, if its answers match the model's."""
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.export(run, destination, version=version, tta=tta, progress=progress)
    print_report(report, as_json=as_json)


def quantize(
    servable: ServableFolder,
    method: Annotated[
        list[str] | None,
        typer.Option(help="float32, float16, dynamic or int8; the recommended one by default."),
    ] = None,
    max_drop: Annotated[
        float | None, typer.Option(help="Largest loss of accuracy, in percentage points.")
    ] = None,
    max_size: Annotated[float | None, typer.Option(help="Largest file, in MiB.")] = None,
    max_latency: Annotated[
        float | None, typer.Option(help="Largest median time of one row, in milliseconds.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split to measure on: val (the default), test or train.")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=0, help="Maximum number of rows to measure on; 0 for all.")
    ] = 0,
    finetune: Annotated[
        int,
        typer.Option(
            min=0, help="Also try int8 after this many epochs of quantization-aware training."
        ),
    ] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write small LiteRT files, measured on held-out rows, if they stay within the limits."""
    limits = modelwright.QuantizationLimits(max_drop, max_size, max_latency)
    measuring = modelwright.Measuring(split, rows)
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.quantize(
            servable,
            methods=method or (),
            limits=limits,
            finetune=finetune,
            measuring=measuring,
            progress=progress,
        )
    print_report(report, as_json=as_json)


def benchmark(
    servable: ServableFolder,
    engine: Annotated[
        list[str] | None, typer.Option(help="Engine to time; all by default.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="Number of rounds; each times every engine in turn.")
    ] = 3,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Seconds per measurement in a round.")
    ] = 2.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Time each engine of a servable on this machine."""
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.benchmark(
            servable, engines=engine or (), rounds=rounds, seconds=seconds, progress=progress
        )
    print_report(report, as_json=as_json)


def verify(servable: ServableFolder, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Check a servable's files against their checksums and its answers against its records."""
    print_report(modelwright.verify(servable), as_json=as_json)
