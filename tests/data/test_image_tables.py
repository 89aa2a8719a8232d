from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.load import load_data
from modelwright.data.readers.tables import read_table
from modelwright.data.records import Records


def test_images_of_a_table_lie_in_its_folder_or_one_that_the_user_names(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "tables").mkdir()
    paths = []
    for at in range(4):
        paths.append(tmp_path / "photos" / f"{at}.png")
        Image.new("RGB", (8, 8), (at, 0, 0)).save(paths[-1])
    table = tmp_path / "tables" / "a.csv"

    def read(*names: str, **settings: object) -> Records:
        rows = [f"{name},{'ab'[at % 2]}" for at, name in enumerate(names)]
        table.write_text("\n".join(["image,label", *rows]), "utf-8")
        return read_table(table, DataConfig(image="image", **settings))

    absolute = [str(path) for path in paths]
    with pytest.raises(DataError, match=rf"--set data\.image_root={tmp_path}/photos$"):
        read(*absolute)
    with pytest.raises(DataError, match=rf"--set data\.image_root={tmp_path}/photos$"):
        read("../photos/0.png", "../photos/1.png")
    root = str(tmp_path / "photos")
    assert len(read(*absolute, image_root=root)) == 4
    assert len(read("0.png", "..\\photos\\1.png", image_root=[root])) == 2
    (tmp_path / "photos" / "out.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "secret.png").write_bytes(paths[0].read_bytes())
    found = read("out.png", "0.png", "../secret.png", "https://a.b/1.png", image_root=root)
    assert (len(found), [row.reason.partition("'")[0] for row in found.rejected]) == (
        1,
        ["has the path ", "has the path ", "has the address "],
    )
    with pytest.raises(DataError, match="nowhere, given as data.image_root"):
        read(*absolute, image_root=str(tmp_path / "nowhere"))
    assert (
        "of a Windows machine"
        in read("C:\\a\\1.png", absolute[0], image_root=root).rejected[0].reason
    )


def test_paths_that_miss_an_extension_or_a_folder_are_explained(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for at in range(2):
        Image.new("RGB", (8, 8), (at, 0, 0)).save(tmp_path / "images" / f"{at}.png")
    table = tmp_path / "a.csv"
    table.write_text("image,label\n images/0.png ,a\nimages/1,b\n")
    found = read_table(table, DataConfig())
    assert len(found) == 1
    assert found.rejected[0].reason.endswith("'1.png' is there: write the extensions too")
    table.write_text("image,label\n0.png,a\n1.png,b\n")
    with pytest.raises(DataError, match=r"one in images/: --set data\.image_root=.*/images$"):
        read_table(table, DataConfig())
    assert len(read_table(table, DataConfig(image_root=str(tmp_path / "images")))) == 2
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"in images/ and test/: --set data\.image_root=FOLDER"):
        read_table(table, DataConfig())


def test_folders_of_images_next_to_tables_of_splits_are_not_called_unread(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        lines = []
        for at in range(6):
            Image.new("RGB", (8, 8), (at, 0, len(split))).save(tmp_path / split / f"{at}.png")
            lines.append(f"{split}/{at}.png,{'ab'[at % 2]}\n")
        (tmp_path / f"{split}.csv").write_text("image,label\n" + "".join(lines))
    (tmp_path / "more.csv").write_text("")
    data = load_data(tmp_path)
    assert data.counts()["test"] == 6
    unread = [note for note in data.notes if "not read" in note]
    assert unread == [f"more.csv in {tmp_path.name} is not read: no split's name"]
