"""The data of an updated version: its rows in one file, which every reader of data understands.

Texts and color images are in a Parquet table. Gray images are in an ``.npz`` file, because a table
of image files is read in color. Both name the classes in the order of the network.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.files import write_atomic
from modelwright.core.types import SPLITS, ImageShape, Task
from modelwright.data.images import encode_png
from modelwright.data.label_names import visible_label
from modelwright.data.splits import TEST, TRAIN, VAL
from modelwright.updating.row_store import StoredRows, from_table, kind_of_content, to_table

_TABLE, _ARRAYS = "rows.parquet", "rows.npz"
_PAIRS = {TRAIN: ("x_train", "y_train"), VAL: ("x_val", "y_val"), TEST: ("x_test", "y_test")}
_MORE = ("versions", "digests", "outputs")


def data_file(shape: ImageShape | None) -> str:
    """Returns the name of the file for images of a shape; None stands for texts."""
    return _ARRAYS if shape and shape[2] == 1 else _TABLE


def write_rows(
    path: Path, rows: StoredRows, labels: Sequence[str], shape: ImageShape | None
) -> None:
    """Writes rows with their splits, and what a rebuild needs to know of them."""
    if path.suffix == Path(_ARRAYS).suffix and shape:
        arrays = _arrays(rows, labels, shape)
        write_atomic(path, lambda file: np.savez_compressed(file, **arrays))
        return
    table = to_table(rows, labels)
    codes = pa.array(rows.labels)
    splits = pa.array([SPLITS[int(side)] for side in rows.sides])
    at = table.schema.get_field_index("label")
    table = table.set_column(at, "label", codes).append_column("split", splits)
    feature = {"names": list(labels), "_type": "ClassLabel"}
    described = json.dumps({"info": {"features": {"label": feature}}}, ensure_ascii=False)
    table = table.replace_schema_metadata({"huggingface": described})
    write_atomic(path, lambda file: paparquet.write_table(table, file))


def read_rows(path: Path, labels: Sequence[str], task: Task) -> StoredRows:
    """Returns rows that ``write_rows`` wrote.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        if path.suffix == Path(_ARRAYS).suffix:
            return _from_arrays(path)
        table = paparquet.read_table(path)
        names = pa.array(labels).take(table.column("label").combine_chunks())
        at = table.schema.get_field_index("label")
        return from_table(table.set_column(at, "label", names), labels, task)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {type(error).__name__} {error}.") from None


def composed_config(
    source: str, before: DataConfig, task: Task, shape: ImageShape | None
) -> DataConfig:
    """Returns the settings by which the rows are read.

    Args:
        source: the path of the file.
        before: the settings of the model's data.
        task: the kind of rows.
        shape: the shape of the images.
    """
    table = data_file(shape) == _TABLE
    side = shape[0] if shape and shape[0] == shape[1] else None
    return DataConfig(
        source=source,
        text="content" if table and task == "text" else None,
        image="content" if table and task == "image" else None,
        label="label" if table else None,
        split="split" if table else None,
        orientation=before.orientation,
        image_size=side or "auto",
        val=0.0,
        test=0.0,
        max_characters=before.max_characters,
        memory_mib=before.memory_mib,
    )


def check_label_names(labels: Sequence[str]) -> None:
    """Checks that a reader of the file gets the labels as they are.

    Raises:
        DataError: it would change one.
    """
    changed = next((name for name in labels if visible_label(name) != name), None)
    if changed is not None:
        raise DataError(
            f"the class {changed!r} has spaces or invisible marks at its ends, which readers of"
            " data remove; name it otherwise with data.labels and train anew."
        )


def _arrays(rows: StoredRows, labels: Sequence[str], shape: ImageShape) -> dict[str, Any]:
    arrays: dict[str, Any] = {"label_names": np.array(labels)}
    order = [np.flatnonzero(rows.sides == side) for side in _PAIRS]
    for (x, y), positions in zip(_PAIRS.values(), order, strict=True):
        if len(positions):
            own = rows.take(positions)
            arrays[x] = own.rows(shape).take(np.arange(len(own)))
            arrays[y] = own.labels
    placed = rows.take(np.concatenate(order))
    more = (placed.versions, placed.digests, placed.outputs)
    return arrays | dict(zip(_MORE, more, strict=True))


def _from_arrays(path: Path) -> StoredRows:
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    sides = [(side, x, y) for side, (x, y) in _PAIRS.items() if x in found]
    pixels = [image for _, x, _ in sides for image in found[x]]
    return StoredRows(
        "image",
        pa.array([encode_png(image) for image in pixels], kind_of_content("image")),
        np.concatenate([found[y] for _, _, y in sides]).astype(np.int64),
        np.concatenate([np.full(len(found[y]), side, np.int8) for side, _, y in sides]),
        *(found[name] for name in _MORE),
    )
