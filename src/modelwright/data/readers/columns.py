"""Which columns of a table hold the text or picture, the label and the split.

By the names a user gives, or else by the usual names in English and Chinese. It reads no values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.nearest import nearest
from modelwright.core.terminal import shorten
from modelwright.core.types import Task

KNOWN = {
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


UNLABELLED = ""
"""As ``data.label``: labels are not asked for. No user can set it."""


@dataclass(frozen=True)
class Columns:
    """The columns to read, by position, and what they make of the rows.

    Where labels are not asked for, ``label`` is the column of the values.
    """

    task: Task
    value: int
    label: int
    split: int | None

    def wanted(self) -> list[int]:
        """Positions, in the order value, label, split; none of them twice."""
        given = [self.value, self.label, *([] if self.split is None else [self.split])]
        return list(dict.fromkeys(given))


def find_columns(names: Sequence[str], config: DataConfig, source: str) -> Columns:
    """Choose among the columns called ``names``.

    A text column goes before a picture column unless the user names one. The column of splits
    is used only where it is called so.

    Raises:
        DataError: a named column is missing or there twice, or none has a usual name.
    """
    task: Task = "text"
    value = _chosen(names, "text", config.text, source)
    if config.image is not None or value is None:
        image = _chosen(names, "image", config.image, source)
        if image is None:
            raise _not_found(names, "text", source)
        task, value = "image", image
    if config.label == UNLABELLED:
        return Columns(task, value, value, None)
    label = _chosen(names, "label", config.label, source)
    if label is None:
        raise _not_found(names, "label", source)
    if label == value:
        raise DataError(
            f"{source} was to give the {task} and the label from the one column "
            f"'{names[value]}'; name another with {_option('label')}"
        )
    return Columns(task, value, label, _chosen(names, "split", config.split, source))


def _chosen(names: Sequence[str], role: str, given: str | None, source: str) -> int | None:
    if given is None:
        folded = [name.strip().lower() for name in names]
        return next((folded.index(usual) for usual in KNOWN[role] if usual in folded), None)
    count = list(names).count(given)
    if count == 1:
        return list(names).index(given)
    if count > 1:
        raise DataError(f"{source} has the column '{given}' {count} times; expected once")
    raise DataError(
        f"{source} has no column '{given}', given as {_option(role)}.{nearest(given, names)} "
        f"Columns: {_listed(names)}"
    )


def _not_found(names: Sequence[str], role: str, source: str) -> DataError:
    near = next((near for usual in KNOWN[role] if (near := nearest(usual, names))), "")
    return DataError(
        f"{source} has no column with a usual name for the {role}.{near} Name it with "
        f"{_option(role)}. Columns: {_listed(names)}"
    )


def _option(role: str) -> str:
    return f"data.{role} (--{role}-column)"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(shorten(name, 40) or "(no name)" for name in names[:20])
    return f"{shown}, ..." if len(names) > 20 else shown
