"""Files of torch: both layouts are read, anything but tensors is refused, nothing is executed."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backbones.torch_files import name, old_file, save, state_dict, tensor, text, zip_file
from modelwright.backbones.torch_file import read_torch_file
from modelwright.core.errors import DataError

RANDOM = np.random.default_rng(5)
ARRAYS: dict[str, Any] = {
    "conv.weight": RANDOM.normal(size=(4, 3, 2, 2)).astype(np.float32),
    "bn.running_mean": RANDOM.normal(size=7),
    "half": RANDOM.normal(size=(2, 3)).astype(np.float16),
    "bn.num_batches_tracked": np.array(12, np.int64),
    "mask": np.array([True, False, True]),
    "empty": np.zeros((0, 3), np.float32),
}
FOUR = np.arange(4, dtype=np.float32).tobytes()


def read(tmp_path: Path, content: bytes) -> dict[str, Any]:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    return read_torch_file(path)


def both(content: bytes) -> list[bytes]:
    """The same pickle in both layouts, with one storage of four float32 values."""
    return [old_file(content, {"0": FOUR}), zip_file(content, {"0": FOUR})]


@pytest.mark.parametrize("old", [True, False])
def test_the_arrays_come_back_in_order_with_their_types(tmp_path: Path, old: bool) -> None:
    found = read(tmp_path, save(ARRAYS, old=old))
    assert list(found) == list(ARRAYS)
    for key, array in ARRAYS.items():
        assert found[key].dtype == array.dtype and np.array_equal(found[key], array)


def test_views_share_a_storage_with_offset_and_transposed(tmp_path: Path) -> None:
    views = {"a": tensor("0", 4, (2, 2), (1, 2)), "b": tensor("0", 4, (2,), (1,), offset=2)}
    metadata = b"}" + text("_metadata") + name("collections", "OrderedDict") + b")Rsb"
    for content in both(state_dict(views, state=metadata)):
        found = read(tmp_path, content)
        assert found["a"].tolist() == [[0, 2], [1, 3]]
        assert found["b"].tolist() == [2, 3]
        assert not found["a"].flags.writeable


def test_parameters_and_bfloat16(tmp_path: Path) -> None:
    upper = (np.array([1.5, -2.0], np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    inner = tensor("0", 2, (2,), (1,), storage="BFloat16Storage")
    hooks = name("collections", "OrderedDict") + b")R"
    wrapped = name("torch._utils", "_rebuild_parameter") + b"(" + inner + b"\x88" + hooks + b"tR"
    found = read(tmp_path, zip_file(state_dict({"w": wrapped}), {"0": upper}))
    assert found["w"].dtype == np.float32 and found["w"].tolist() == [1.5, -2.0]


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("place", range(5))
def test_an_attack_is_named_and_never_run(tmp_path: Path, place: int) -> None:
    attack = pickle.dumps({"w": Attack(tmp_path / "owned")}, 2)
    parts = [save({"a": ARRAYS["half"]}), attack]
    if place < 4:  # in place of one of the pickles before and around the tensors
        good = [pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
        parts = [*good[:place], attack]
    content = b"".join(parts) if place < 4 else zip_file(attack, {})
    with pytest.raises(DataError, match=r"it asks for \w+\.system\. Pickles are never executed"):
        read(tmp_path, content)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (name("__main__", "Net") + b")R", "it asks for __main__.Net"),
        (name("torch.nn.modules.conv", "Conv2d") + b")R", "asks for torch.nn.modules.conv.Conv2d"),
        (name("builtins", "eval") + text("1") + b"\x85R", "it asks for builtins.eval"),
        (text("of a person"), "entry 'w' is a str, not a tensor"),
        (b"K\x05", "entry 'w' is a int, not a tensor"),
        (b"}" + text("v") + tensor("0", 4, (4,), (1,)) + b"s", "entry 'w' is a dict"),
        (name("torch", "FloatStorage"), "entry 'w' is a class"),
        (tensor("0", 4, (5,), (1,)), "reaches outside its storage"),
        (tensor("0", 4, (2, 2), (3, 1)), "reaches outside its storage"),
        (tensor("0", 4, (2,), (1,), offset=3), "reaches outside its storage"),
        (tensor("0", 4, (10**9, 10**9), (0, 0)), "reaches outside its storage"),
        (tensor("0", 4, (-1,), (1,)), "in the place of a size"),
        (tensor("0", 4, (2,), (-1,), offset=3), "in the place of a size"),
        (tensor("0", 4, (2, 2), (1,)), "2 sizes, 1 steps"),
        (tensor("0", 2**40, (4,), (1,)), "broken"),
        (tensor("9", 4, (4,), (1,)), "broken"),
        (tensor("0", 4, (4,), (1,), storage="ComplexFloatStorage"), "torch.ComplexFloatStorage"),
        (name("torch", "FloatStorage") + b")R", "broken"),
    ],
)
def test_anything_but_tensors_that_fit_is_refused(
    tmp_path: Path, entry: bytes, reason: str
) -> None:
    for content in both(state_dict({"w": entry})):
        with pytest.raises(DataError, match=reason):
            read(tmp_path, content)


def test_other_contents_are_refused(tmp_path: Path) -> None:
    single = b"\x80\x02" + tensor("0", 4, (4,), (1,)) + b"."
    for pickled, reason in (
        (single, "single tensor in place of a dict"),
        (pickle.dumps([1], 2), "a list in place of a dict"),
        (pickle.dumps({}, 2), "holds no tensors"),
        (b"\x80\x02(K\x01i__main__\nX\n.", "it uses the opcode INST"),
    ):
        for content in both(pickled):
            with pytest.raises(DataError, match=reason):
                read(tmp_path, content)


def test_a_zip_bomb_and_a_foreign_zip_are_refused(tmp_path: Path) -> None:
    content = state_dict({"w": tensor("0", 2**22, (2**22,), (1,))})
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/data/0", bytes(2**24))
    with pytest.raises(DataError, match="larger than the file"):
        read_torch_file(tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(DataError, match=r"0 members are named data\.pkl"):
        read_torch_file(tmp_path / "w.pth")


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"w\.pth is not a file of torch weights"):
        read(tmp_path, content)


SMALL = {"a": ARRAYS["conv.weight"][:1, :1], "b": np.arange(3, dtype=np.int64)}
WHOLE = [save(SMALL, old=True), save(SMALL, old=False)]


def survive(path: Path, content: bytes) -> bool:
    """Whether a file is read. Any error but the project's own fails the test."""
    path.write_bytes(content)
    try:
        found = read_torch_file(path)
    except DataError:
        return False
    assert all(np.asarray(array).sum() is not None for array in found.values())
    return True


@pytest.mark.parametrize("content", WHOLE, ids=["old", "zip"])
def test_every_cut_is_refused(tmp_path: Path, content: bytes) -> None:
    read_cut = [end for end in range(0, len(content), 3) if survive(tmp_path / "w", content[:end])]
    assert read_cut == []


@pytest.mark.parametrize("content", WHOLE, ids=["old", "zip"])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_changed_bytes_never_raise_another_error(
    tmp_path: Path, content: bytes, data: st.DataObject
) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    survive(tmp_path / "w", bytes(changed))
