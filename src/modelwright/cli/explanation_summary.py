"""``explain --data``: prints and writes the summary of a whole set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import modelwright
from modelwright.cli.output import print_report, show_progress
from modelwright.core.errors import ConfigError
from modelwright.core.files import check_room, explained_refusals


def print_summary(
    model: Path,
    data: str,
    *,
    output: Path | None,
    engine: str,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Summarizes the explanations of a set.

    Args:
        model: a servable or a run.
        data: the set.
        output: a file to write, too.
        engine: the engine of the servable.
        as_json: print JSON.
        quiet: show no progress.
        settings: other arguments of ``summarize_explanations``.
    """  # fmt: skip
    from modelwright.api.explain import open_model
    from modelwright.explaining.output_file import check_output, write_summary

    opened = open_model(model, engine)
    if output is not None:
        check_output(output, opened.predictor.manifest.task)
        _check_writable(output)
    with show_progress(quiet=quiet or as_json) as progress:
        summary = modelwright.summarize_explanations(opened, data, progress=progress, **settings)
    if output is not None:
        write_summary(output, summary)
    print_report(summary, as_json=as_json)
    if not as_json and output is not None:
        sys.stdout.write(f"\nwritten: {output}\n")


def _check_writable(output: Path) -> None:
    """Fails before the work, and not after it.

    Raises:
        ConfigError: the output is a folder.
        WriteError: no file can be written there.
    """
    if output.is_dir():
        raise ConfigError(f"{output} is a folder; give the name of a file in it.")
    with explained_refusals(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        check_room(output, 1)
