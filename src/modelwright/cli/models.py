"""The commands that work on a run or a servable, from ``train`` to ``doctor``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Optional

import typer

import modelwright
from modelwright.cli.output import Json, Quiet, emit, emit_json, shown
from modelwright.core.errors import ConfigError

Tta = typer.Option(False, "--tta", help="Average over mirrored and shifted views of a picture.")


def train(
    config: Optional[Path] = typer.Argument(None, help="A TOML file; see the user guide."),  # noqa: UP045
    data: Optional[list[str]] = typer.Option(None, help="A path or a named set."),  # noqa: UP045
    text_column: Optional[str] = typer.Option(None, help="Column with the text."),  # noqa: UP045
    label_column: Optional[str] = typer.Option(None, help="Column with the label."),  # noqa: UP045
    image_column: Optional[str] = typer.Option(None, help="Column with paths."),  # noqa: UP045
    recipe: Optional[str] = typer.Option(None, help="cnn, bilstm, … or package.module:function."),  # noqa: UP045
    epochs: Optional[int] = typer.Option(None, help="At most this many."),  # noqa: UP045
    seed: Optional[int] = typer.Option(None, help="Of everything left to chance."),  # noqa: UP045
    sets: Optional[list[str]] = typer.Option(None, "--set", help="table.key=value, any setting."),  # noqa: UP045
    out: Optional[Path] = typer.Option(None, help="The run's folder."),  # noqa: UP045
    resume: Optional[Path] = typer.Option(None, help="Go on with this run."),  # noqa: UP045
    encoding: Optional[str] = typer.Option(None, help="Of a text table."),  # noqa: UP045
    strict: bool = typer.Option(False, "--strict", help="A rejected row is an error."),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Train a model; leaves a run folder."""
    tables = _given(
        data={
            "source": data[0] if data and len(data) == 1 else data,
            "text": text_column,
            "label": label_column,
            "image": image_column,
            "encoding": encoding,
            "strict": strict or None,
        },
        model={"recipe": recipe},
        train={"epochs": epochs, "seed": seed},
    )
    with shown(quiet=quiet or as_json) as progress:
        if resume is not None:
            if config or sets or out or any(tables.values()):
                raise ConfigError(
                    "--resume goes on with a run's own settings; give it without any other."
                )
            report = modelwright.resume(resume, progress=progress)
        else:
            from modelwright.recipes.resolve import resolve_config

            resolve_config(
                config, tables, sets or ()
            )  # before TensorFlow takes its seconds to load
            report = modelwright.train(
                config, **tables, sets=sets or (), out=out, progress=progress
            )
    emit(report, as_json=as_json)
    if report.status == "stopped":
        raise KeyboardInterrupt  # so that a script does not go on as if it had finished


def evaluate(
    run: Path = typer.Argument(help="A run folder."),
    data: Optional[str] = typer.Option(None, help="Other rows than the run's own."),  # noqa: UP045
    split: Optional[str] = typer.Option(  # noqa: UP045
        None, help="Which of the run's own rows: train, val, test (the default)."
    ),
    tta: bool = Tta,
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Measure a run on held-out rows; leaves figures and pictures in it."""
    if split not in (None, "train", "val", "test"):
        raise ConfigError(f"--split was given '{split}'; expected train, val or test.")
    if split and data:
        raise ConfigError("--data measures all of its rows; give it without --split.")
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.evaluate(
            run,
            data=data,
            split=split or "test",  # type: ignore[arg-type]
            tta=tta,
            progress=progress,
        )
    emit(report, as_json=as_json)


def layers(
    run: Path = typer.Argument(help="A run folder, of pictures."),
    picture: Optional[Path] = typer.Argument(  # noqa: UP045
        None, help="A picture's file; the first test row of the run by default."
    ),
    out: Optional[Path] = typer.Option(  # noqa: UP045
        None, help="The PNG to write; plots/layers.png in the run by default."
    ),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Draw what the convolutions of a run make of a picture."""
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.layers(run, picture, out=out, progress=progress)
    emit(report, as_json=as_json)


def export(
    run: Path = typer.Argument(help="A run folder."),
    destination: Path = typer.Argument(help="The model's folder, models/NAME."),
    version: Optional[int] = typer.Option(None, help="Its number; the next one by default."),  # noqa: UP045
    tta: bool = Tta,
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Write the next version of a servable, if it agrees with the model."""
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.export(run, destination, version=version, tta=tta, progress=progress)
    emit(report, as_json=as_json)


def quantize(
    servable: Path = typer.Argument(help="models/NAME/VERSION, or models/NAME for the newest."),
    method: Optional[list[str]] = typer.Option(  # noqa: UP045
        None, help="float32, float16, dynamic or int8; the recommended one by default."
    ),
    max_drop: Optional[float] = typer.Option(None, help="Points of accuracy it may lose."),  # noqa: UP045
    max_size: Optional[float] = typer.Option(None, help="MiB that the file may have."),  # noqa: UP045
    max_latency: Optional[float] = typer.Option(  # noqa: UP045
        None, help="Milliseconds that one row may take, in the median."
    ),
    split: Optional[str] = typer.Option(  # noqa: UP045
        None, help="Whose rows measure: val (the default), test or train."
    ),
    rows: int = typer.Option(0, min=0, help="At most so many of them; 0 for all."),
    finetune: int = typer.Option(
        0, min=0, help="Also try int8 after so many epochs with rounded weights."
    ),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Write small files for LiteRT, measured on held-out rows, if they keep the limits."""
    limits = modelwright.Limits(max_drop, max_size, max_latency)
    measuring = modelwright.Measuring(split, rows)
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.quantize(
            servable,
            methods=method or (),
            limits=limits,
            finetune=finetune,
            measuring=measuring,
            progress=progress,
        )
    emit(report, as_json=as_json)


def benchmark(
    servable: Path = typer.Argument(help="models/NAME/VERSION, or models/NAME for the newest."),
    engine: Optional[list[str]] = typer.Option(None, help="Only this one; all by default."),  # noqa: UP045
    rounds: int = typer.Option(3, min=1, help="How often each is measured, in turn."),
    seconds: float = typer.Option(2.0, min=0.1, help="Of each way of answering, in a round."),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Time each engine of a servable on this machine."""
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.benchmark(
            servable, engines=engine or (), rounds=rounds, seconds=seconds, progress=progress
        )
    emit(report, as_json=as_json)


def verify(
    servable: Path = typer.Argument(help="models/NAME/VERSION, or models/NAME for the newest."),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Check a servable's files and its answers."""
    emit(modelwright.verify(servable), as_json=as_json)


def predict(
    servable: Path = typer.Argument(help="models/NAME, or one of its versions."),
    given: list[str] = typer.Argument(
        help="Texts, or pictures and folders of them; - reads lines from standard input."
    ),
    top: int = typer.Option(1, min=1, help="Show this many labels of each."),
    engine: str = typer.Option("auto", help="Which engine of the servable runs it."),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Classify texts or pictures with a servable."""
    from modelwright.cli import inputs
    from modelwright.servable import manifest

    about = manifest.read(manifest.find(servable))
    names = inputs.expand(given, about.task, servable)
    answers = modelwright.load(servable, engine=engine).predict(names)
    if as_json:
        emit_json([{"input": str(n), **a.to_dict()} for n, a in zip(names, answers, strict=True)])
        return
    from modelwright.core.terminal import percent, shorten, table

    rows: list[tuple[str, str, str]] = []
    for name, answer in zip(names, answers, strict=True):
        for place, (label, chance) in enumerate(answer.top(top)):
            rows.append((shorten(str(name), 60) if not place else "", label, percent(chance)))
    sys.stdout.write(table(("input", "label", "probability"), rows) + "\n")


def doctor(as_json: bool = Json, quiet: bool = Quiet) -> None:
    """Tell what is installed, what the machine can do, and what is missing."""
    from modelwright.training.doctor import examine

    emit(examine(), as_json=as_json)


def _given(**tables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: value for key, value in values.items() if value is not None}
        for name, values in tables.items()
    }
