"""What the model is asked: the texts or images of some rows, as the worker processes read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.core.errors import DataError
from modelwright.core.types import FloatArray, RawInput, Task
from modelwright.data import clean
from modelwright.data.images import read_encoded
from modelwright.scoring.chunks import as_array, is_bytes, is_text
from modelwright.scoring.json_source import parse_object, text_of
from modelwright.servable.predictor import Predictor

TEXT, JSON, PATH, CONTENT = "text", "json", "path", "content"
_MOST_CHARACTERS = 1_000_000
_IMAGES = 32


def check_type(kind: Any, task: Task, column: str, source: str) -> None:
    """Refuses a column whose values can be no texts or images.

    Raises:
        DataError: See above.
    """
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    image = task == "image" and pa.types.is_struct(plain)
    if not (is_text(plain) or is_bytes(plain) or image or pa.types.is_null(plain)):
        expected = "strings" if task == "text" else "paths, or images as bytes"
        raise DataError(
            f"{source} has the type {kind} in the column '{column}'; expected {expected}. Name"
            f" another with --{task}-column"
        )


def ask_texts(column: Any) -> Any:
    """Returns the questions of a column of texts, strings or UTF-8 as bytes."""
    column = _plain(column)
    if is_bytes(column.type):
        column = pa.array([_decode(value) for value in column.to_pylist()], pa.large_string())
    return pa.record_batch([column.cast(pa.large_string())], [TEXT])


def ask_lines(column: Any) -> Any:
    """Returns the questions of lines that are JSON objects."""
    return pa.record_batch([_plain(column).cast(pa.large_string())], [JSON])


def ask_images(column: Any, base: Path) -> Any:
    """Returns the questions of a column of images: paths below ``base``, bytes, or both."""
    paths, contents = [], []
    for value in _plain(column).to_pylist():
        path, content = _split_image(value)
        paths.append(None if path is None else os.fsencode(base / path.replace("\\", "/")))
        contents.append(content)
    return image_batch(paths, contents)


def image_batch(paths: list[bytes | None], contents: list[bytes | None] | None = None) -> Any:
    """Returns the questions of image files, or of their bytes where there are any."""
    given = [None] * len(paths) if contents is None else contents
    arrays = [pa.array(values, pa.large_binary()) for values in (paths, given)]
    return pa.record_batch(arrays, [PATH, CONTENT])


def answer(
    predictor: Predictor, questions: Any, key: str | None, base: Path
) -> tuple[FloatArray, list[str | None]]:
    """Returns the class probabilities float32 ``[n, classes]``, and why a row has none.

    Args:
        predictor: The loaded servable.
        questions: A record batch that one of the functions above made.
        key: The key of the text or the image's path in JSON objects.
        base: The folder that paths of images in JSON objects are relative to.
    """
    known: list[str | None] = [None] * len(questions)
    if JSON in questions.schema.names:
        values, known = _read_objects(questions.column(JSON).to_pylist(), key or "")
        if predictor.manifest.task == "image":
            questions = ask_images(pa.array(values, pa.string()), base)
        else:
            questions = ask_texts(pa.array(values, pa.large_string()))
    if TEXT in questions.schema.names:
        probabilities, faults = _answer_texts(predictor, questions.column(TEXT))
    else:
        probabilities, faults = _answer_images(predictor, questions)
    return probabilities, [one or other for one, other in zip(known, faults, strict=True)]


def _answer_texts(predictor: Predictor, texts: Any) -> tuple[FloatArray, list[str | None]]:
    faults: list[str | None] = [None] * len(texts)
    usable = np.ones(len(texts), bool)
    for mask, reason in clean.bad_texts(texts, _MOST_CHARACTERS):
        for row in np.flatnonzero(mask & usable):
            faults[row] = reason
        usable &= ~mask
    classes = len(predictor.manifest.labels)
    probabilities = np.full((len(texts), classes), np.nan, np.float32)
    rows = texts.to_pylist() if usable.all() else texts.filter(pa.array(usable)).to_pylist()
    probabilities[usable] = predictor.engine.probabilities(rows)
    return probabilities, faults


def _answer_images(predictor: Predictor, questions: Any) -> tuple[FloatArray, list[str | None]]:
    rows = zip(*(column.to_pylist() for column in questions.columns), strict=True)
    images: list[RawInput | Path | str] = []
    faults: list[str | None] = []
    parts = [np.empty((0, len(predictor.manifest.labels)), np.float32)]
    for path, content in rows:
        images.append(read_image(path, content))
        if len(images) == _IMAGES:
            _answer_part(predictor, images, parts, faults)
            images = []
    _answer_part(predictor, images, parts, faults)
    return np.concatenate(parts), faults


def _answer_part(
    predictor: Predictor, images: list[Any], parts: list[FloatArray], faults: list[str | None]
) -> None:
    probabilities, reasons = predictor.try_images([one for one in images if isinstance(one, bytes)])
    answers = np.full((len(images), len(predictor.manifest.labels)), np.nan, np.float32)
    read = np.array([isinstance(one, bytes) for one in images], bool)
    answers[read] = probabilities
    parts.append(answers)
    found = iter(reasons)
    faults += [next(found) if isinstance(one, bytes) else str(one) for one in images]


def read_image(path: bytes | None, content: bytes | None) -> bytes | str:
    """Returns the bytes of an image, or why there are none."""
    if content is not None:
        return content
    if path is None:
        return "has no image"
    file = Path(os.fsdecode(path))
    try:
        return read_encoded(file)
    except (DataError, ValueError) as error:
        return f"{error}: {file}"


def _split_image(value: Any) -> tuple[str | None, bytes | None]:
    """Returns the path and the bytes in a cell; both None if it has no image."""
    if isinstance(value, dict):
        content = value.get("bytes")
        return (None, content) if content else _split_image(value.get("path"))
    if isinstance(value, bytes):
        return None, value
    return (value if isinstance(value, str) and value.strip() else None), None


def _read_objects(lines: list[str], key: str) -> tuple[list[str | None], list[str | None]]:
    """Returns the value of a key in each line as text, and why there is none."""
    values: list[str | None] = []
    faults: list[str | None] = []
    for line in lines:
        found = parse_object(line)
        value, fault = (None, found) if isinstance(found, str) else text_of(found.get(key), key)
        values.append(value)
        faults.append(fault)
    return values, faults


def _decode(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _plain(column: Any) -> Any:
    """Returns a column as one array without a dictionary."""
    column = as_array(column)
    return pc.cast(column, column.type.value_type) if _is_dictionary(column) else column


def _is_dictionary(column: Any) -> bool:
    return bool(pa.types.is_dictionary(column.type))
