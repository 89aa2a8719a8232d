"""Finds the columns of a table that hold the text or image, the label and the split.

They have the names or positions that the user gives, or the usual names in English and Chinese.
No values are read here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.nearest import nearest
from modelwright.core.terminal import shorten
from modelwright.core.types import Task
from modelwright.data.label_names import visible_label
from modelwright.data.readers.split_column import NO_SPLITS, SPLIT_COLUMNS

Role = Literal["text", "image", "label", "split"]

USUAL_NAMES: Mapping[Role, tuple[str, ...]] = {
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
    "split": SPLIT_COLUMNS,
}


NO_LABELS = ""
"""Value of ``data.label`` for texts without labels. A user cannot set it."""


class ColumnError(DataError):
    """A column cannot be read as a setting names it.

    Attributes:
        role: what the column gives.
        before: the message up to the name of the setting.
        after: the rest of the message.
    """

    def __init__(self, before: str, role: Role, after: str = "") -> None:
        self.before, self.role, self.after = before, role, after
        super().__init__(self.naming(f"data.{role} (--{role}-column)"))

    def naming(self, setting: str) -> str:
        """Returns the message for a user who named the column with another setting."""
        return f"{self.before}{setting}{self.after}"


class ColumnNotFoundError(ColumnError):
    """A column that must be there has neither the given nor a usual name."""


@dataclass(frozen=True)
class Columns:
    """The columns to read, by position, and the task of the rows.

    Without labels, ``label`` is the column of the values.

    Attributes:
        names: Names of all columns of the table.
        notes: Which columns are read, and which others could have been.
    """

    task: Task
    value: int
    label: int
    split: int | None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def wanted(self) -> list[int]:
        """Returns the positions in the order value, label, split, each once."""
        columns = [self.value, self.label, *([] if self.split is None else [self.split])]
        return list(dict.fromkeys(columns))

    def chosen(self) -> dict[Role, str]:
        """Returns the names of the columns, to read another table of the same source alike."""
        names: dict[Role, str] = {self.task: self.names[self.value]}
        if self.label != self.value:
            names["label"] = self.names[self.label]
        return names


def find_columns(
    names: Sequence[str],
    config: DataConfig,
    source: str,
    like: Mapping[Role, str] | None = None,
) -> Columns:
    """Chooses among the columns called ``names``.

    A text column comes before an image column, unless the user names an image column. A column
    of splits is optional.

    Args:
        names: Names of the columns. The parts of a nested name are separated by dots.
        config: The names that the user gives: a name, or ``#3`` for the third column.
        source: Name of the table, for messages.
        like: Names that come before usual ones, because another table of the source has them.

    Raises:
        DataError: A named column is missing or occurs twice, or no column has a usual name.
    """
    finder = _Finder(tuple(names), source, dict(like or {}))
    task: Task = "text"
    value = finder.find("text", config.text)
    if config.image is not None or value is None:
        image = finder.find("image", config.image)
        if image is None:
            raise finder.not_found("text")
        task, value = "image", image
    if config.label == NO_LABELS:
        note = f"columns: {task} from {finder.shown(value)}"
        return Columns(task, value, value, None, finder.names, (note,))
    label = finder.find("label", config.label)
    if label is None:
        raise finder.not_found("label", taken=(value,))
    if label == value:
        raise ColumnError(
            f"{source} was to give the {task} and the label from the one column "
            f"'{names[value]}'; name another with ",
            "label",
        )
    split = finder.split(config, (value, label))
    note = finder.note(task, value, label, split)
    return Columns(task, value, label, split, finder.names, (note,))


@dataclass(frozen=True)
class _Finder:
    """The names of one table, in which columns are looked for."""

    names: tuple[str, ...]
    source: str
    like: dict[Role, str]

    def find(self, role: Role, wanted: str | None) -> int | None:
        """Returns the column that the user gives, or the first with a usual name."""
        if wanted is None:
            like = self.like.get(role)
            found = [self.names.index(like)] if like in self.names else self.usual(role)
            wanted = self.names[found[0]] if found else None
            if wanted is None or self.names.count(wanted) == 1:
                return found[0] if found else None
        count = self.names.count(wanted)
        if count == 1:
            return self.names.index(wanted)
        if count > 1:
            places = [f"#{at}" for at, name in enumerate(self.names, 1) if name == wanted]
            raise ColumnError(
                f"{self.source} has the column '{wanted}' {count} times; choose one by its "
                "position: ",
                role,
                f" as {' or '.join(places)}",
            )
        position = re.fullmatch(r"#(\d{1,6})", wanted)
        if position and 1 <= int(position[1]) <= len(self.names):
            return int(position[1]) - 1
        raise ColumnNotFoundError(
            f"{self.source} has no column '{wanted}', given as ",
            role,
            f".{nearest(wanted, self.names)} Columns: {_listed(self.names)}",
        )

    def split(self, config: DataConfig, taken: tuple[int, int]) -> int | None:
        """Returns the column of splits, if there is one, apart from those that are ``taken``."""
        if config.split == NO_SPLITS:
            return None
        split = self.find("split", config.split)
        if split in taken and config.split is not None:
            raise ColumnError(
                f"{self.source} was to give the split from the column '{self.names[split]}', which "
                "is read as the text, image or label; name another with ",
                "split",
            )
        if split is None or split in taken:
            if config.split_names:
                raise self.not_found("split", taken)
            return None
        return split

    def usual(self, role: Role) -> list[int]:
        """Returns the columns with a usual name, the most usual first.

        The last part of a nested name counts only where no whole name is usual.
        """
        folded = [_fold(name) for name in self.names]
        whole = _with_usual_names(folded, role)
        last = _with_usual_names([name.rpartition(".")[2] for name in folded], role)
        return whole or (last if len(last) == 1 else [])

    def not_found(self, role: Role, taken: Sequence[int] = ()) -> DataError:
        """Returns the error for a column without a usual name; ``taken`` are read as another."""
        free = [name for at, name in enumerate(self.names) if at not in taken]
        near = next((near for usual in USUAL_NAMES[role] if (near := nearest(usual, free))), "")
        return ColumnNotFoundError(
            f"{self.source} has no column with a usual name for the {role}.{near} Name it with ",
            role,
            f". Columns: {_listed(self.names)}",
        )

    def note(self, task: Task, value: int, label: int, split: int | None) -> str:
        """Returns which columns are read, which others have usual names, and which are left.

        Whether the split is read depends on its values; see ``split_column.py``.
        """
        read = [f"{task} from {self.shown(value)}", f"label from {self.shown(label)}"]
        chosen = [at for at in (value, label, split) if at is not None]
        left = [at for at in range(len(self.names)) if not self.is_part_of(at, chosen)]
        others = []
        roles: tuple[Role, ...] = ("text", "image", "label")
        for role in roles:
            if found := [at for at in self.usual(role) if at in left]:
                left = [at for at in left if at not in found]
                which = " or ".join(self.shown(at) for at in found)
                others.append(f"; {which} could be the {role} too (--{role}-column)")
        not_read = f"; not read: {_listed([self.names[at] for at in left], 6)}" if left else ""
        return f"columns: {', '.join(read)}{''.join(others)}{not_read}"

    def is_part_of(self, position: int, chosen: Sequence[int]) -> bool:
        """Returns whether a column is read, is nested in one that is, or only holds others."""
        name = self.names[position]
        return (
            position in chosen
            or any(name.startswith(f"{self.names[at]}.") for at in chosen)
            or any(other.startswith(f"{name}.") for other in self.names)
        )

    def shown(self, position: int) -> str:
        """Returns a column as a message names it."""
        name = self.names[position]
        twice = self.names.count(name) > 1
        return f"'{shorten(name, 40)}'" + (f" (#{position + 1})" if twice else "")


def has_usual_name(names: Sequence[str]) -> bool:
    """Returns whether any column of a table has a usual name."""
    return any(roles_named(names).values())


def roles_named(names: Sequence[str]) -> dict[Role, bool]:
    """Returns for each role whether a column has a usual name for it."""
    folded = {_fold(name) for name in names}
    return {role: not folded.isdisjoint(usual) for role, usual in USUAL_NAMES.items()}


def _fold(name: str) -> str:
    """Returns a name without differences of case and width, and without invisible marks."""
    return unicodedata.normalize("NFKC", visible_label(name)).casefold().strip()


def _with_usual_names(names: Sequence[str], role: Role) -> list[int]:
    return [at for usual in USUAL_NAMES[role] for at, name in enumerate(names) if name == usual]


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(shorten(name, 40) or "(no name)" for name in names[:most])
    return f"{shown}, ..." if len(names) > most else shown
