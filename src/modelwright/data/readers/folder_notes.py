"""The notes and errors about folders: which was read as what, and how to say otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelwright.core.errors import DataError
from modelwright.core.types import SPLITS, SplitName

_SHOWN = 5
CLASSES = "data.train_folder=."
"""The setting that says that the folders of the source are classes."""


def outer_note(outer: Sequence[str]) -> str:
    """Says that the classes or splits lie in folders below the source."""
    return f"the rows are read below {shown_path(outer)}/"


def splits_note(splits: Mapping[tuple[str, ...], SplitName | None], above: str = "") -> str:
    """Says which folders were read as which split."""
    parts = []
    for name in SPLITS:
        folders = [f"{above}{shown_path(path)}/" for path, split in splits.items() if split == name]
        if folders:
            parts.append(f"{name} from {joined(folders)}")
    return f"the splits are read from folders: {'; '.join(parts)}"


def skip_note(folder: Sequence[str], count: int) -> str:
    """Says what ``data.skip`` left out."""
    return f"data.skip leaves out {shown_path(folder)}/ ({counted(count, 'file')})"


def unlabeled_note(folder: Sequence[str], count: int) -> str:
    """Says that a folder named after a split has no classes."""
    lie = "1 file lies" if count == 1 else f"{count:,} files lie"
    return (
        f"{shown_path(folder)}/ is not read: its {lie} in no folder of a class, so "
        f"{'it has no label' if count == 1 else 'they have no labels'}"
    )


def class_note(name: str) -> str:
    """Says that a folder with the name of a split is a class."""
    return (
        f"the folder {name}/ is read as a class, like the folders next to it, and not as a split; "
        f"data.skip={name} leaves it out"
    )


def inside_note(classes: Mapping[tuple[str, ...], Iterable[str]]) -> str:
    """Says that the folders inside of classes do not count, although they may be the classes.

    Args:
        classes: The folders that are classes, each with those inside.
    """
    inside = sorted({name for names in classes.values() for name in names})
    same = all(set(names) == set(inside) for names in classes.values())
    outer = [f"{shown_path(path)}/" for path in classes]
    shown = [f'"{shown_path(path)}"' for path in classes]
    named = ", ".join(shown if len(shown) <= _SHOWN else [*shown[:_SHOWN], "..."])
    return (
        f"{'warning: ' if same else ''}the classes are {joined(outer)}, and the folders in them, "
        f"{joined(inside)}, do not count. If these are the classes, name the folders around them: "
        f"data.train_folder = [{named}], or data.val_folder or data.test_folder"
    )


def flat_splits_error(source: str, outer: Sequence[str], names: Sequence[str]) -> DataError:
    """Returns the error for folders of splits without classes."""
    first = shown_path((*outer, names[0]))
    return DataError(
        f"{source} has only {_folders((*outer, name) for name in names)}, named after splits, with "
        f"files directly in them; expected a folder per class in each, such as {first}/CLASS/. If "
        f"they are the classes, set {CLASSES}"
    )


def odd_folders_error(
    source: str,
    splits: Mapping[tuple[str, ...], SplitName | None],
    odd: Sequence[tuple[str, ...]],
) -> DataError:
    """Returns the error for folders next to those of splits that no name explains."""
    read = ", ".join(f"{shown_path(path)}/ as {split}" for path, split in splits.items())
    first = shown_path(odd[0])
    skip = first if len(odd) == 1 else f"[{', '.join(repr(shown_path(path)) for path in odd)}]"
    return DataError(
        f"{source} has folders of splits ({read}) and next to them {_folders(odd)}. Leave "
        f"{'it' if len(odd) == 1 else 'them'} out with --set data.skip={_quoted(skip)}, or name "
        f"the split: --set data.train_folder={first}, data.val_folder or data.test_folder. If all "
        f"these folders are classes, set {CLASSES}"
    )


def mixed_splits_error(
    source: str, outer: Sequence[str], names: Sequence[str], stray: Sequence[str]
) -> DataError:
    """Returns the error for classes with folders of splits in them, and other files."""
    folder = shown_path(stray[: len(outer) + 2])
    return DataError(
        f"the folders of classes in {source} have folders of splits in them ({joined(names)}), and "
        f"{folder} lies in none. Move it into one or leave it out with data.skip. If these are no "
        f"splits, set {CLASSES}"
    )


def shown_path(parts: Iterable[str]) -> str:
    """Returns a folder for messages."""
    return "/".join(parts) or "."


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def joined(names: Sequence[str]) -> str:
    """Returns the first few names."""
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _folders(paths: Iterable[tuple[str, ...]]) -> str:
    return joined([f"{shown_path(path)}/" for path in paths])


def _quoted(value: str) -> str:
    return f'"{value}"' if value.startswith("[") or " " in value else value
