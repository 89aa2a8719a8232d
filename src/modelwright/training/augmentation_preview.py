"""A preview of data and of its augmentation: what a training would see. Trains nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block, Facts, Figure, Note, Table
from modelwright.core.config import DataConfig, check_table, setting
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.report import Report
from modelwright.core.terminal import shorten
from modelwright.core.types import Dataset, IntArray, Progress, Split, UInt8Array
from modelwright.data.load import load_data
from modelwright.models.options import ImageOptions
from modelwright.plots.augmentation import SheetColumn, draw_sheet
from modelwright.training.augmentation import Augmentation, Mixing

USUAL: Mapping[str, float] = {
    "crop": 0.125,
    "rotation": 0.1,
    "zoom": 0.2,
    "brightness": 0.2,
    "contrast": 0.3,
    "cutout": 0.3,
    "mixup": 0.4,
}
"""The value of each kind of augmentation that is named without one."""
_KINDS = ("flip", *USUAL)


@dataclass(frozen=True)
class PreviewReport(Report):
    """Rows of a data set, and the contact sheet of their augmentation.

    ``settings`` are those of ``[model]`` that train with the same augmentation.
    """

    source: str
    rows: tuple[tuple[str, str, str], ...]
    """Label, origin, and the text of a row of texts."""
    settings: Mapping[str, Any]
    assumed: tuple[str, ...]
    sheet: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "source": self.source,
            "rows": [
                {"label": label, "origin": origin, **({"text": text} if text else {})}
                for label, origin, text in self.rows
            ],
            "settings": dict(self.settings),
            "assumed": list(self.assumed),
            "sheet": str(self.sheet) if self.sheet else None,
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the rows, the sheet and the options of ``train``."""
        shown: list[tuple[object, ...]] = [
            (label, shorten(origin, 40), *([shorten(text, 60)] if text else []))
            for label, origin, text in self.rows
        ]
        headers = ("label", "origin", "text")[: len(shown[0])]
        blocks: list[Block] = [Table(headers, shown, title=f"rows of {self.source}")]
        if self.sheet:
            blocks.append(Figure(self.sheet, "sheet"))
        if self.settings:
            chosen = [(f"model.{key}", setting(value)) for key, value in self.settings.items()]
            blocks.append(Facts("augmentation", chosen))
            sets = " ".join(f"--set {key}={value}" for key, value in chosen)
            blocks.append(Note(f"To train with it, add to modelwright train: {sets}"))
        if self.assumed:
            blocks.append(
                Note(
                    f"Given without a value, so taken as {', '.join(self.assumed)}; write"
                    " NAME=VALUE to choose."
                )
            )
        return blocks


def preview_rows(
    source: DataConfig,
    augment: Sequence[str] = (),
    *,
    rows: int = 6,
    draws: int = 4,
    out: Path | None = None,
    progress: Progress | None = None,
) -> PreviewReport:
    """Shows rows of a data set, and draws a sheet of images and of their augmentation.

    Args:
        source: where the rows come from.
        augment: kinds of augmentation, as ``flip`` or ``rotation=0.1``; several in one text are
            separated by commas.
        rows: number of rows, taken from every class in turn.
        draws: number of times that the augmentation is drawn.
        out: the PNG to write; ``augmentation.png`` or ``rows.png`` by default.
        progress: called while the data is read.

    Raises:
        ConfigError: a kind of augmentation or its value is not known, or the rows are texts.
        DataError: the data cannot be read.
    """
    settings, assumed = parse_augmentation(augment)
    options = check_table(ImageOptions, settings, "model")
    data = load_data(source, progress=progress)
    if settings and data.task == "text":
        raise ConfigError(
            f"--augment was given {', '.join(augment)}, but {data.source} holds texts; only images"
            " are augmented. Leave it out."
        )
    name = next(iter(data.splits))
    split = data.splits[name]
    positions = _from_every_class(split.labels, rows)
    shown = tuple(_describe(data, split, int(position)) for position in positions)
    sheet = None
    if data.task == "image":
        sheet = out or Path("augmentation.png" if settings else "rows.png")
        labels = [label for label, _, _ in shown]
        images = split.inputs.take(positions)
        columns = _columns(images, labels, Augmentation.from_options(options), draws)
        title = f"{data.source}, {name}: {_describe_settings(settings)}"
        draw_sheet(sheet, [(label, origin) for label, origin, _ in shown], columns, title)
    return PreviewReport(data.source, shown, settings, assumed, sheet)


def parse_augmentation(texts: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Returns the settings of ``[model]`` that texts stand for, and the values that were assumed.

    Raises:
        ConfigError: a kind is not known, or its value is not a number.
    """
    settings: dict[str, Any] = {}
    assumed = []
    mirrored_or_shifted = []
    given: set[str] = set()
    for part in (part.strip() for text in texts for part in text.replace("+", ",").split(",")):
        kind, equals, text = (piece.strip() for piece in part.partition("="))
        if kind not in _KINDS or (kind == "flip" and equals):
            expected = ", ".join("flip" if one == "flip" else f"{one}=NUMBER" for one in _KINDS)
            raise ConfigError(
                f"--augment was given '{part}'.{nearest(kind, _KINDS)} Expected one or several of"
                f" {expected}, separated by commas."
            )
        if kind in given:
            raise ConfigError(f"--augment was given {kind} twice; expected each kind once.")
        given.add(kind)
        if kind in ("flip", "crop"):
            mirrored_or_shifted.append(kind)
        if kind == "flip":
            continue
        value = _number(kind, text) if equals else USUAL[kind]
        settings["shift" if kind == "crop" else kind] = value
        if not equals:
            assumed.append(f"{kind}={value}")
    if mirrored_or_shifted:
        kinds = "+".join(kind for kind in ("flip", "crop") if kind in mirrored_or_shifted)
        settings = {"augment": kinds, **settings}
    return settings, tuple(assumed)


def _number(kind: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            f"--augment was given '{kind}={text}'; expected a number, for example"
            f" {kind}={USUAL[kind]}."
        ) from None


def _from_every_class(labels: IntArray, count: int) -> IntArray:
    """Returns positions of rows, one of each class in turn, spread over the rows of the class."""
    by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    turns = -(-count // len(by_class))
    taken = [rows[np.linspace(0, len(rows) - 1, turns).astype(int)] for rows in by_class]
    in_turn = [rows[turn] for turn in range(turns) for rows in taken]
    return np.array(list(dict.fromkeys(in_turn))[:count], np.int64)


def _describe(data: Dataset, split: Split, position: int) -> tuple[str, str, str]:
    text = str(split.inputs.raw(position)) if data.task == "text" else ""
    return data.labels[int(split.labels[position])], split.inputs.origin(position), text


def _describe_settings(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={setting(value)}" for key, value in settings.items()) or "as read"


def _columns(
    images: UInt8Array, labels: Sequence[str], augmentation: Augmentation, draws: int
) -> list[SheetColumn]:
    """Returns the originals, each kind of augmentation alone, and draws of all together."""
    columns = [SheetColumn("original", images)]
    if augmentation.changes_nothing:
        return columns
    alone = augmentation.kinds()
    everyone = np.ones(len(images), bool)
    for name, kind in alone.items() if len(alone) > 1 else ():
        columns.append(_column(name, kind, images, labels, (0, everyone)))
    for draw in range(draws):
        title = f"{'all' if len(alone) > 1 else next(iter(alone))}, draw {draw + 1}"
        # As in a training, an image is mirrored in every other epoch.
        mirrored = everyone if draw % 2 == 0 else ~everyone
        columns.append(_column(title, augmentation, images, labels, (draw, mirrored)))
    return columns


def _column(
    title: str,
    augmentation: Augmentation,
    images: UInt8Array,
    labels: Sequence[str],
    drawn: tuple[int, Any],
) -> SheetColumn:
    draw, mirrored = drawn
    varied, mixing = augmentation.apply(images, (0, draw, 0), mirrored)
    return SheetColumn(title, varied, _shares(mixing, labels) if mixing else ())


def _shares(mixing: Mixing, labels: Sequence[str]) -> list[str]:
    """Returns the labels of mixed rows with their shares."""
    captions = []
    for row, partner in enumerate(mixing.partner.tolist()):
        share, own, other = float(mixing.share[row, 0]), labels[row], labels[partner]
        whole = own == other or round(share, 2) == 1
        captions.append(
            shorten(own, 16)
            if whole
            else f"{shorten(own, 14)} {share:.0%}\n{shorten(other, 14)} {1 - share:.0%}"
        )
    return captions
