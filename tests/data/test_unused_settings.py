"""A setting that has no effect on a source is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as paparquet
import pytest
from PIL import Image

from modelwright.core.config import DataConfig
from modelwright.data.load import load_data
from modelwright.data.unused_settings import UNUSED

ROWS = [{"text": f"row {at}", "label": "xy"[at % 2]} for at in range(20)]


def write(folder: Path, kind: str) -> Path:
    path = folder / f"a.{kind}"
    if kind == "csv":
        lines = [f"{row['text']},{row['label']}\n" for row in ROWS]
        path.write_text("text,label\n" + "".join(lines))
    elif kind == "jsonl":
        path.write_text("".join(f"{row}\n".replace("'", '"') for row in ROWS))
    elif kind == "parquet":
        paparquet.write_table(pa.Table.from_pylist(ROWS), path)
    elif kind == "npz":
        pixels = np.arange(20 * 64, dtype=np.uint16).astype(np.uint8).reshape(20, 8, 8)
        np.savez(path, x=pixels, y=np.arange(20) % 2)
    else:
        for at in range(20):
            file = path / "xy"[at % 2] / f"{at}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8, 3), at, np.uint8)).save(file)
    return path


@pytest.mark.parametrize(
    ("kind", "given", "note"),
    [
        ("csv", {"skip": "b"}, "data.skip has no effect on text tables"),
        ("csv", {"image_size": 32}, "data.image_size has no effect on texts"),
        ("jsonl", {"delimiter": ";", "header": False}, "data.delimiter, data.header have no"),
        ("parquet", {"quoting": "none", "encoding": "big5"}, "data.quoting, data.encoding have no"),
        ("folder", {"label": "class"}, "data.label has no effect on folders"),
        ("folder", {"max_characters": 9}, "data.max_characters has no effect on images"),
        ("npz", {"text": "a"}, "data.text has no effect on arrays"),
    ],
)
def test_a_setting_without_an_effect_is_told(
    tmp_path: Path, kind: str, given: dict[str, object], note: str
) -> None:
    path = write(tmp_path, kind)
    assert any(
        line.startswith(note) for line in load_data(DataConfig(source=str(path), **given)).notes
    )
    plain = load_data(DataConfig(source=str(path), split="none"))
    assert not any("no effect" in line for line in plain.notes)


def test_a_setting_of_one_of_several_sources_names_the_other(tmp_path: Path) -> None:
    sources = [str(write(tmp_path, "csv")), str(write(tmp_path, "jsonl"))]
    notes = load_data(DataConfig(source=sources, delimiter=",", skip="a")).notes
    assert "a.jsonl: data.delimiter has no effect on JSON" in notes
    assert not any("data.skip" in note for note in notes)


def test_the_settings_are_those_of_the_config() -> None:
    assert {key for keys in UNUSED.values() for key in keys} <= set(DataConfig.model_fields)
