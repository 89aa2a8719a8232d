from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import DataError
from modelwright.data.load import load_data
from modelwright.data.readers.cifar import read_cifar
from modelwright.data.readers.pickles import parse_pickle

PIXELS = np.random.default_rng(1).integers(0, 256, (4, 3072), dtype=np.uint8)


def python2_string(value: bytes) -> bytes:
    if len(value) < 256:
        return b"U" + bytes([len(value)]) + value
    return b"T" + struct.pack("<I", len(value)) + value


def python2_batch(labels: list[int]) -> bytes:
    """The official files as cPickle of Python 2 wrote them: protocol 2, with str for all text."""
    shape = b"K" + bytes([len(labels)]) + b"M" + struct.pack("<H", 3072) + b"\x86"
    minus_one = b"J\xff\xff\xff\xff"
    dtype = (
        b"cnumpy\ndtype\nq\x01U\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNN" + minus_one + minus_one + b"K\x00tb"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + shape + dtype + b"\x89" + python2_string(PIXELS.tobytes()) + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}q\x00(U\x04data" + array + b"U\x06labels" + numbers + b"u."


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.target}",)


def test_the_file_that_python_2_wrote() -> None:
    batch = parse_pickle(python2_batch([3, 1, 0, 2]), "data_batch_1")
    assert np.array_equal(batch["data"], PIXELS)
    assert batch["labels"] == [3, 1, 0, 2]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_protocol_that_python_3_writes(protocol: int, order: str) -> None:
    stored = {b"data": np.array(PIXELS, order=order), b"labels": [0, 1, 2, 300], "f": (1.5, None)}
    batch = parse_pickle(pickle.dumps(stored, protocol), "data_batch_1")
    assert np.array_equal(batch["data"], PIXELS)
    assert batch["labels"] == [0, 1, 2, 300]
    assert batch["f"] == (1.5, None)


@pytest.mark.parametrize("protocol", range(6))
def test_an_attack_is_named_and_never_run(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "owned"
    content = pickle.dumps({"data": Attack(target)}, protocol)
    with pytest.raises(DataError, match=r"it asks for \w+\.system; pickles are never executed"):
        parse_pickle(content, "data_batch_1")
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\x80\x04.",
        b"\x80\x04}u.",
        b"\x80\x04h\x07.",
        b"\x80\x02]K\x01R.",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": PIXELS})[:2000],
        pickle.dumps({"data": PIXELS.astype(np.float32)}),
        pickle.dumps({((1,),): 2}),
        b"\x80\x02(K\x01i__main__\nX\n.",
    ],
)
def test_broken_pickles_give_the_same_error(content: bytes) -> None:
    with pytest.raises(DataError, match=r"not a CIFAR batch"):
        parse_pickle(content, "data_batch_1")


def write_set(folder: Path, protocol: int = 4) -> None:
    for name, labels in (("data_batch_1", [0, 1, 0, 1]), ("test_batch", [1, 0, 1, 0])):
        pixels = PIXELS if name == "data_batch_1" else PIXELS[::-1].copy()
        batch = {b"data": pixels, b"labels": labels}
        (folder / name).write_bytes(pickle.dumps(batch, protocol))
    meta = {b"label_names": [b"cat", b"ape"], b"num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol))


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_folder_of_batches(tmp_path: Path, protocol: int) -> None:
    write_set(tmp_path, protocol)
    records = read_cifar(tmp_path)
    assert records.values.shape == (8, 32, 32, 3)
    assert records.values[0, 0, 1].tolist() == PIXELS[0].reshape(3, 32, 32)[:, 0, 1].tolist()
    assert records.labels[:4] == ["cat", "ape", "cat", "ape"]
    assert records.label_order == ("cat", "ape")
    assert records.origin(5) == "test_batch row 2"
    assert load_data(tmp_path).labels == ("cat", "ape")


def test_wrong_batches_are_explained(tmp_path: Path) -> None:
    write_set(tmp_path)
    batch = {b"data": PIXELS, b"labels": [0, 1, 7, 0]}
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(batch))
    with pytest.raises(DataError, match=r"label 7; the folder names 2 classes"):
        read_cifar(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": PIXELS, b"labels": [0]}))
    with pytest.raises(DataError, match=r"shape \(4, 3072\) with 1 labels"):
        read_cifar(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"other": 1}))
    with pytest.raises(DataError, match=r"it has the keys other"):
        read_cifar(tmp_path)


def test_other_pickles_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "data.pkl").write_bytes(pickle.dumps({}))
    with pytest.raises(DataError, match=r"pickles are never executed"):
        load_data(tmp_path / "data.pkl")
