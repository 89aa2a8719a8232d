"""Arrays to ``TensorProto`` and back, against ``tf.make_tensor_proto`` and ``tf.make_ndarray``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import tensor_pb2

from modelwright.wire import messages, tensors

DTYPES = [
    *("float16", "float32", "float64", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def same(ours: Any, theirs: Any) -> None:
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if ours.dtype == object:
        assert ours.tolist() == theirs.tolist()
    else:
        assert ours.tobytes() == theirs.tobytes()


@st.composite
def numbers(draw: st.DrawFn) -> Any:
    return draw(hnp.arrays(draw(st.sampled_from(DTYPES)), SHAPES))


@st.composite
def texts(draw: st.DrawFn) -> Any:
    shape = draw(SHAPES)
    array = np.empty(shape, object)
    values = draw(st.lists(st.binary(max_size=9), min_size=array.size, max_size=array.size))
    array.reshape(-1)[:] = values
    return array


@settings(deadline=None)
@given(numbers() | texts())
def test_tensorflow_reads_these_messages(array: Any) -> None:
    proto = tensor_pb2.TensorProto.FromString(tensors.to_proto(array).SerializeToString())
    same(tf.make_ndarray(proto), array)
    same(tensors.to_array(tensors.to_proto(array)), array)


@settings(deadline=None)
@given(numbers() | texts())
@example(np.array([0, 2**63 + 1], np.uint64))
@example(np.array(False))
def test_both_forms_of_tensorflow_are_read(array: Any) -> None:
    dtype = tf.string if array.dtype == object else array.dtype
    # As *_val, with repeats cut. Plain integers, one of them over 2**63, would become float64, and
    # TensorFlow takes no booleans of NumPy.
    values = array.ravel().tolist() if array.dtype == bool else list(array.ravel())
    proto = tf.make_tensor_proto(values, dtype, array.shape)
    same(tensors.to_array(messages.TensorProto.FromString(proto.SerializeToString())), array)
    proto = tf.make_tensor_proto(array, dtype)  # tensor_content
    same(tensors.to_array(messages.TensorProto.FromString(proto.SerializeToString())), array)


@pytest.mark.parametrize("array", [np.float32(2.5), np.array([7], np.int64), np.array([[True]])])
def test_one_number_is_a_value_and_several_are_content(array: Any) -> None:
    assert not tensors.to_proto(array).tensor_content
    assert len(tensors.to_proto(np.repeat(array, 2)).tensor_content) == 2 * array.itemsize


def test_arrays_that_are_not_plain_memory() -> None:
    array = np.arange(12, dtype=">i4").reshape(3, 4).T[::2]
    same(tensors.to_array(tensors.to_proto(array)), np.ascontiguousarray(array, np.int32))
    assert tensors.to_array(tensors.to_proto(np.array(["a", "好"]))).tolist() == [
        b"a",
        "好".encode(),
    ]


def test_a_map_entry_is_filled_in_place() -> None:
    answer = messages.PredictResponse()
    tensors.to_proto(np.zeros((2, 3), np.float32), answer.outputs["x"])
    assert tensors.to_array(answer.outputs["x"]).shape == (2, 3)


def proto(dtype: str, sizes: list[int], **fields: Any) -> Any:
    made = messages.TensorProto(dtype=messages.DATA_TYPES[dtype], **fields)
    for size in sizes:
        made.tensor_shape.dim.add(size=size)
    return made


def test_the_last_value_is_repeated_and_none_are_zeros() -> None:
    assert tensors.to_array(proto("DT_FLOAT", [2, 2], float_val=[1, 2])).tolist() == [
        [1, 2],
        [2, 2],
    ]
    assert tensors.to_array(proto("DT_STRING", [3], string_val=[b"a"])).tolist() == [b"a"] * 3
    assert tensors.to_array(proto("DT_COMPLEX64", [2], scomplex_val=[1, 2])).tolist() == [
        1 + 2j,
        1 + 2j,
    ]
    assert tensors.to_array(proto("DT_INT8", [2])).tolist() == [0, 0]
    assert tensors.to_array(proto("DT_STRING", [1])).tolist() == [b""]


def test_every_byte_except_zero_is_true() -> None:
    array = tensors.to_array(proto("DT_BOOL", [2], tensor_content=b"\x00\x07"))
    assert array.view(np.uint8).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (proto("DT_FLOAT", [2**40], float_val=[1]), r"shape \[1099511627776\] has more than 64"),
        (proto("DT_FLOAT", [2**62, 2**62, 4], float_val=[1]), "has more than 64 elements"),
        (proto("DT_FLOAT", [0, 2**62, 2**62]), "has more than 64 elements"),
        (proto("DT_FLOAT", [65]), "has more than 64 elements"),
        (proto("DT_FLOAT", [1] * 33, float_val=[1]), "has 33 dimensions"),
        (proto("DT_FLOAT", [-1], float_val=[1]), "negative dimension"),
        (proto("DT_FLOAT", [2], float_val=[1, 2, 3]), r"3 values .* shape \[2\]"),
        (proto("DT_FLOAT", [0], float_val=[1]), "1 values are given"),
        (proto("DT_FLOAT", [2], tensor_content=b"1234567"), "7 bytes; expected 8 for DT_FLOAT"),
        (proto("DT_STRING", [1], tensor_content=b"a"), "DT_STRING tensor has tensor_content"),
        (proto("DT_COMPLEX64", [1], scomplex_val=[1]), "has 1 numbers; expected pairs"),
        (proto("DT_INT8", [1], int_val=[200]), "does not fit its type"),
        (proto("DT_HALF", [1], half_val=[-1]), "does not fit its type"),
        (proto("DT_BFLOAT16", [1], half_val=[1]), "DT_BFLOAT16 is not supported; expected one"),
        (proto("DT_INVALID", [1]), "DT_INVALID is not supported"),
        (messages.TensorProto(dtype=999), "element type 999 is not supported"),
        (messages.TensorProto(dtype=1, tensor_shape={"unknown_rank": True}), "rank is unknown"),
    ],
)
def test_invalid_messages_are_refused(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        tensors.to_array(given, limit=64)


def test_invalid_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="arrays of datetime64"):
        tensors.to_proto(np.array(["2020-01-01"], "datetime64[D]"))
    with pytest.raises(ValueError, match="holds a int; expected bytes or str"):
        tensors.to_proto(np.array([b"", 3], object))


def test_types_have_names_and_numbers() -> None:
    for name in DTYPES:
        enum = tensors.enum_of(name)
        assert enum == tf.as_dtype(name).as_datatype_enum
        assert tensors.dtype_of(enum) == tensors.dtype_of(tensors.name_of(enum)) == np.dtype(name)
    assert tensors.name_of(1) == "DT_FLOAT"
    assert tensors.enum_of(object) == tensors.enum_of("S3") == 7
    assert tensors.name_of(999) == "DT_INVALID"
