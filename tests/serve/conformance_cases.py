"""What is asked of a server and what it answers, as TensorFlow Serving's own tests have it.

Errors are parts of the text: the rest of it quotes the request, and is the server's own.
"""

from __future__ import annotations

BIG = "1.7976931348623157e+308"

MALFORMED = {
    "get of something else": ("GET", "/v1/foo"),
    "post of something else": ("POST", "/v1/foo"),
    "post without a model": ("POST", "/v1/models"),
    "predict by get": ("GET", "/v1/models/foo:predict"),
    "version in the singular, get": ("GET", "/v1/models/foo/version/50:predict"),
    "version in the singular, post": ("POST", "/v1/models/foo/version/50:regress"),
    "version that is no number": ("POST", "/v1/models/foo/versions/HELLO:regress"),
    "status by post": ("POST", "/v1/models/half_plus_two"),
    "metadata by post": ("POST", "/v1/models/half_plus_two/metadata"),
    "a method that is none": ("POST", "/v1/models/half_plus_two:invent"),
    "no version behind versions": ("GET", "/v1/models/half_plus_two/versions/"),
    "no label behind labels": ("GET", "/v1/models/half_plus_two/labels/"),
    "a version and a label": ("GET", "/v1/models/half_plus_two/versions/123/labels/stable"),
}

# name: (signature of echo, body without its signature, answer as text without spaces)
ANSWERED = {
    "whole numbers": (
        "ints",
        '"instances":[[1,2],[3,4],[5,6]]',
        '"predictions":[[1,2],[3,4],[5,6]]',
    ),
    "one value": ("ints", '"inputs":7', '"outputs":7'),
    "one value in a row": ("ints", '"instances":[7]', '"predictions":[7]'),
    "deep lists": (
        "ints",
        '"instances":[[[[[1]]]],[[[[2]]]]]',
        '"predictions":[[[[[1]]]],[[[[2]]]]]',
    ),
    "a named input in rows": ("ints", '"instances":[{"ints":[1,2]}]', '"predictions":[[1,2]]'),
    "a named input in columns": ("ints", '"inputs":{"ints":[[1,2]]}', '"outputs":[[1,2]]'),
    "whole and broken numbers mixed": (
        "floats",
        '"instances":[1,2.0,3,4,5.003,0.007,0.0]',
        '"predictions":[1.0,2.0,3.0,4.0,5.003,0.007,0.0]',
    ),
    "doubles mixed": (
        "doubles",
        '"instances":[1.0,2,3,4,0.662,0,0.0]',
        '"predictions":[1.0,2.0,3.0,4.0,0.662,0.0,0.0]',
    ),
    "six digits where they do": (
        "floats",
        '"instances":[[9000000,999999,0.5],[0.0003,0.00003,555557.5]]',
        '"predictions":[[9e+06,999999.0,0.5],[0.0003,3e-05,555557.5]]',
    ),
    "nine digits where six do not": (
        "floats",
        '"instances":[0.1,0.123456789,16777215]',
        '"predictions":[0.1,0.123456791,16777215.0]',
    ),
    "numbers that are not finite": (
        "floats",
        '"instances":[[NaN,Infinity],[3,-Infinity]]',
        '"predictions":[[NaN,Infinity],[3.0,-Infinity]]',
    ),
    "booleans": ("flags", '"instances":[true,false]', '"predictions":[true,false]'),
    "texts": ("texts", '"instances":["foo","评论"]', '"predictions":["foo","评论"]'),
    "base64 of texts": (
        "texts",
        '"instances":[{"b64":"aGVsbG8="},{"b64":"d29ybGQ="}]',
        '"predictions":["hello","world"]',
    ),
    "base64 in lists": (
        "texts",
        '"instances":[[{"b64":"aGVsbG8="}],[{"b64":"d29ybGQ="}]]',
        '"predictions":[["hello"],["world"]]',
    ),
    "base64 of a named input": (
        "texts",
        '"instances":[{"texts":[[{"b64":"aGVsbG8="}],[{"b64":"d29ybGQ="}]]}]',
        '"predictions":[[["hello"],["world"]]]',
    ),
    "base64 of one value in columns": ("texts", '"inputs":{"b64":"aGVsbG8="}', '"outputs":"hello"'),
    "files go out as base64": (
        "files",
        '"instances":["a",{"b64":"/wA="}]',
        '"predictions":[{"b64":"YQ=="},{"b64":"/wA="}]',
    ),
    "a batch of nothing": ("nothing", '"instances":[1,2]', '"predictions":[]'),
    "one number in columns": ("total", '"inputs":[1,2]', '"outputs":3.0'),
}

# name: (signature of echo, body without its signature, status, part of the error)
REFUSED = {
    "lists that are too short": (
        "ints",
        '"instances":[[1,2],[3,4],[5,6,7]]',
        400,
        "Expecting tensor size",
    ),
    "lists that are too deep": (
        "ints",
        '"instances":[[1,2],[3,4],[[5,6]]]',
        400,
        "Expecting shape",
    ),
    "a value and a list": ("ints", '"instances":[1,[1]]', 400, "Expecting shape"),
    "texts for numbers": (
        "ints",
        '"instances":[[1,2],["a","b"]]',
        400,
        "not of expected type: int32",
    ),
    "objects for numbers": (
        "floats",
        '"instances":[{"b64":"aGVsbG8="}]',
        400,
        "not of expected type: float",
    ),
    "broken numbers for whole ones": (
        "ints",
        '"instances":[1.5]',
        400,
        "not of expected type: int32",
    ),
    "null": ("floats", '"instances":[null]', 400, "not of expected type: float"),
    "a double for a float": ("floats", f'"instances":[{BIG}]', 400, "loss of precision"),
    "a whole number that floats skip": (
        "floats",
        '"instances":[16777217]',
        400,
        "loss of precision",
    ),
    "a whole number that doubles skip": (
        "doubles",
        '"instances":[9007199254740993]',
        400,
        "loss of precision",
    ),
    "both forms": ("ints", '"instances":[1],"inputs":[1]', 400, "Not formatted correctly"),
    "no form": ("ints", '"examples":[1]', 400, "Missing 'inputs' or 'instances' key"),
    "no rows": ("ints", '"instances":[]', 400, "No values in 'instances' array"),
    "rows that are no list": ("ints", '"instances":5', 400, "to be an list/array"),
    "another name in rows": (
        "ints",
        '"instances":[{"other":1}]',
        400,
        "does not have named input: other",
    ),
    "another name in columns": ("ints", '"inputs":{"other":1}', 400, "Missing named input: ints"),
    "a list for several inputs": (
        "serving_default",
        '"instances":[1]',
        400,
        "multiple input tensors",
    ),
    "a value for several inputs": (
        "serving_default",
        '"inputs":[1]',
        400,
        "multiple input tensors",
    ),
    "an object, then a list": (
        "ints",
        '"instances":[{"ints":[1]},[1]]',
        400,
        "Expecting object but got list",
    ),
    "a list, then an object": (
        "texts",
        '"instances":[["a"],{"texts":["a"]}]',
        400,
        "Expecting value/list but got object",
    ),
    "base64 with more keys": (
        "texts",
        '"inputs":[{"b64":"aGVsbG8=","more":1}]',
        400,
        "not formatted correctly for base64 data",
    ),
    "base64 that is none": ("texts", '"instances":[{"b64":"a_b*c"}]', 400, "base64 decode"),
    "one number in rows": ("total", '"instances":[1,2]', 400, "has no shape information"),
    "batches that differ in rows": ("uneven", '"instances":[1,2]', 400, "inconsistent batch size"),
    "complex answers": ("complex", '"inputs":[1]', 400, "tensor type: complex64"),
    "an unknown signature": (
        "absent",
        '"instances":[1]',
        400,
        'Serving signature name: "absent" not found in signature def',
    ),
}

# name: (body of half_plus_two:predict, part of the error)
DOCUMENTS = {
    "nothing": ("", "JSON Parse error: The document is empty"),
    "no JSON": ("instances = [1, 2]", "JSON Parse error"),
    "cut off": ('{"instances":[1', "JSON Parse error"),
    "no object": ("[1]", "Is not object"),
    "a wrong type": ('{"instances":["a",2]}', "not of expected type: float"),
    "a signature that is no text": (
        '{"signature_name":5,"instances":[1]}',
        "must be a string value",
    ),
}

# name: (body of half_plus_two:classify and :regress, part of the error)
EXAMPLES = {
    "a signature that is no text": (
        '{"signature_name":["hello"],"examples":[{"x":1.0}]}',
        "'signature_name' key must be a string",
    ),
    "a context that is a list": ('{"context":[{"x":1.0}]}', "Example must be JSON object"),
    "examples that are an object": ('{"examples":{"x":1.0}}', "list/array"),
    "an example that is a list": ('{"examples":[[{"x":1.0}]]}', "Example must be JSON object"),
    "no examples": ('{"signature_name":"regress_x_to_y"}', "'examples'"),
    "empty examples": ('{"examples":[]}', "'examples' value is an empty array"),
    "null in a feature": (
        '{"examples":[{"x":[10,null]}]}',
        "x has element with unexpected JSON type: Null",
    ),
    "kinds mixed in a feature": (
        '{"examples":[{"x":[10,10.0]}]}',
        "feature: x expecting type: int64",
    ),
    "an object in a feature": (
        '{"examples":[{"x":[10,{"test":10}]}]}',
        "unexpected JSON type: Object",
    ),
    "a list in a feature": ('{"examples":[{"x":[[10],20]}]}', "unexpected JSON type: Array"),
    "a number over 63 bits": (
        '{"examples":[{"x":[20,18446744073709551603]}]}',
        "Only int64 is supported",
    ),
    "a number over a float": (f'{{"examples":[{{"x":{BIG}}}]}}', "loss of precision"),
}
