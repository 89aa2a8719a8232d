"""TFRecord files, compared with TensorFlow's, and damaged files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.wire.records import crc32c, masked_crc32c, read_records, write_records


def plain_crc32c(data: bytes) -> int:
    """RFC 3720, one bit at a time."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_checksums_of_rfc_3720(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@settings(deadline=None)
@given(st.binary(max_size=700))
def test_long_data_are_folded_to_the_same_checksum(data: bytes) -> None:
    assert crc32c(data) == plain_crc32c(data)


@pytest.mark.parametrize("length", [64, 65, 2**16, 2**16 + 1, 2**16 + 65, 2**17 + 100])
def test_data_of_several_blocks(length: int) -> None:
    data = bytes((i * i + 7) % 251 for i in range(length))
    assert crc32c(data) == plain_crc32c(data)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_records_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, data: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("records") / "file"
    write_records(path, data)
    assert list(read_records(path, most=5)) == data


def test_tensorflow_and_this_module_read_each_others_files(tmp_path: Path) -> None:
    import tensorflow as tf

    data = [b"", b"a", "好".encode() * 50, bytes(100_000)]
    write_records(tmp_path / "ours", data)
    assert list(tf.data.TFRecordDataset(str(tmp_path / "ours")).as_numpy_iterator()) == data
    with tf.io.TFRecordWriter(str(tmp_path / "its")) as writer:
        for record in data:
            writer.write(record)
    assert (tmp_path / "its").read_bytes() == (tmp_path / "ours").read_bytes()
    assert list(read_records(tmp_path / "its", most=4)) == data


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Records of 10 and 20 bytes; the second starts at byte 26."""
    write_records(tmp_path / "two", [b"a" * 10, b"b" * 20])
    return tmp_path / "two"


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (0, "record 0 .* at byte 0, has a length with a wrong checksum"),
        (9, "record 0 .* a length with a wrong checksum"),
        (15, "record 0 .* has a wrong checksum"),
        (40, "record 1 .* at byte 26, has a wrong checksum"),
        (60, "record 1 .* has a wrong checksum"),
    ],
)
def test_a_changed_byte_is_found(two: Path, at: int, says: str) -> None:
    data = bytearray(two.read_bytes())
    data[at] ^= 1
    two.write_bytes(data)
    with pytest.raises(ValueError, match=says):
        list(read_records(two, most=2))


@pytest.mark.parametrize("kept", [1, 11, 12, 25, 27, 61])
def test_a_file_that_ends_early(two: Path, kept: int) -> None:
    two.write_bytes(two.read_bytes()[:kept])
    with pytest.raises(ValueError, match="is cut off"):
        list(read_records(two, most=2))


def test_a_length_beyond_the_file_takes_no_memory(tmp_path: Path) -> None:
    length = (2**62).to_bytes(8, "little")
    checksum = masked_crc32c(length).to_bytes(4, "little")
    (tmp_path / "huge").write_bytes(length + checksum + b"x")
    with pytest.raises(ValueError, match=f"should have {2**62} bytes"):
        list(read_records(tmp_path / "huge", most=1))


def test_more_records_than_allowed(two: Path) -> None:
    assert len(list(read_records(two, most=2))) == 2
    with pytest.raises(ValueError, match="more than 1 records"):
        list(read_records(two, most=1))
