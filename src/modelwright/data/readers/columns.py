"""Finds the columns of a table that hold the text or image, the label and the split.

They have the names that the user gives, or the usual names in English and Chinese. No values are
read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.nearest import nearest
from modelwright.core.terminal import shorten
from modelwright.core.types import Task

USUAL_NAMES = {
    "text": (
        "text",
        "review",
        "sentence",
        "content",
        "comment",
        "review_text",
        "comment_text",
        "body",
        "document",
        "评论",
        "文本",
        "内容",
        "评价",
        "句子",
    ),
    "image": (
        "image",
        "image_path",
        "picture",
        "img",
        "path",
        "image_file",
        "filepath",
        "file_path",
        "file",
        "filename",
        "file_name",
        "图片",
        "图像",
    ),
    "label": (
        "label",
        "class",
        "category",
        "sentiment",
        "target",
        "labels",
        "标签",
        "情感",
        "类别",
    ),
    "split": ("split", "set", "subset"),
}


NO_LABELS = ""
"""Value of ``data.label`` for texts without labels. A user cannot set it."""


@dataclass(frozen=True)
class Columns:
    """The columns to read, by position, and the task of the rows.

    Without labels, ``label`` is the column of the values.
    """

    task: Task
    value: int
    label: int
    split: int | None

    def wanted(self) -> list[int]:
        """Returns the positions in the order value, label, split, each once."""
        columns = [self.value, self.label, *([] if self.split is None else [self.split])]
        return list(dict.fromkeys(columns))


def find_columns(names: Sequence[str], config: DataConfig, source: str) -> Columns:
    """Chooses among the columns called ``names``.

    A text column comes before an image column, unless the user names an image column. A column
    of splits is optional.

    Raises:
        DataError: A named column is missing or occurs twice, or no column has a usual name.
    """
    task: Task = "text"
    value = _find_column(names, "text", config.text, source)
    if config.image is not None or value is None:
        image = _find_column(names, "image", config.image, source)
        if image is None:
            raise _not_found(names, "text", source)
        task, value = "image", image
    if config.label == NO_LABELS:
        return Columns(task, value, value, None)
    label = _find_column(names, "label", config.label, source)
    if label is None:
        raise _not_found(names, "label", source)
    if label == value:
        raise DataError(
            f"{source} was to give the {task} and the label from the one column "
            f"'{names[value]}'; name another with {_option('label')}"
        )
    return Columns(task, value, label, _find_column(names, "split", config.split, source))


def _find_column(names: Sequence[str], role: str, wanted: str | None, source: str) -> int | None:
    if wanted is None:
        folded = [name.strip().lower() for name in names]
        return next((folded.index(usual) for usual in USUAL_NAMES[role] if usual in folded), None)
    count = list(names).count(wanted)
    if count == 1:
        return list(names).index(wanted)
    if count > 1:
        raise DataError(f"{source} has the column '{wanted}' {count} times; expected once")
    raise DataError(
        f"{source} has no column '{wanted}', given as {_option(role)}.{nearest(wanted, names)} "
        f"Columns: {_listed(names)}"
    )


def _not_found(names: Sequence[str], role: str, source: str) -> DataError:
    near = next((near for usual in USUAL_NAMES[role] if (near := nearest(usual, names))), "")
    return DataError(
        f"{source} has no column with a usual name for the {role}.{near} Name it with "
        f"{_option(role)}. Columns: {_listed(names)}"
    )


def _option(role: str) -> str:
    return f"data.{role} (--{role}-column)"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(shorten(name, 40) or "(no name)" for name in names[:20])
    return f"{shown}, ..." if len(names) > 20 else shown
