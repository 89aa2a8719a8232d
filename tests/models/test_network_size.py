"""A network whose weights would not fit into memory is refused before it takes any."""

from __future__ import annotations

import pytest

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models import network_size
from modelwright.models.builders import build_network, check_options, options_for_classes
from modelwright.models.network_size import check_weight, limited_weights

IMAGES, TEXTS = (1024, 1024, 3), (16,)


@pytest.mark.parametrize(
    ("builder", "options", "shape", "classes", "message"),
    [
        ("cnn", {}, IMAGES, 3, "layer on images of 1024x1024 would have 8,128,512 x 128 = 1,040"),
        ("ngrams", {"buckets": 2**23}, TEXTS, 100, "the n-grams of 100 classes would have 8,388"),
        ("bilstm", {"vocabulary": 10**6, "embedding": 600}, TEXTS, 2, "embedding would have 1,000"),
        ("textcnn", {"vocabulary": 10**6, "embedding": 600}, TEXTS, 2, "the embedding would have"),
        ("regions", {"vocabulary": 10**6, "known": 10**6}, TEXTS, 2, "the regions would have 3,0"),
        ("textcnn", {"vocabulary": 10**6, "context": 600}, TEXTS, 2, "the context vectors would"),
        ("cnn", {"units": 60_000, "filters": [1]}, (8, 8, 3), 10_000, "last layer would have 60,0"),
    ],
)
def test_a_weight_that_is_too_large_is_named_with_its_size(
    builder: str,
    options: dict[str, int],
    shape: tuple[int, ...],
    classes: int,
    message: str,
) -> None:
    model = ModelConfig(builder=builder, options=options)
    with limited_weights(), pytest.raises(ConfigError, match=message) as caught:
        build_network(model, shape, classes)
    assert "expected at most 536,870,912, 2.0 GiB. Give " in str(caught.value)


def test_only_a_network_to_train_has_a_limit() -> None:
    check_weight("a layer", (2**20, 2**20), "")
    with limited_weights(10), pytest.raises(ConfigError, match="2 x 6 = 12 weights"):
        check_weight("a layer", (2, 6), "")
    check_weight("a layer", (2**20, 2**20), "")
    assert network_size.MOST_WEIGHTS * 4 == 2 * 2**30


@pytest.mark.parametrize(
    ("options", "classes", "chosen"),
    [
        ({}, 2, {}),
        ({}, 16, {}),
        ({"vocabulary": 100_000}, 100, {"buckets": 335_544}),
        ({"vocabulary": 100_000}, 1000, {"buckets": 33_554, "vocabulary": 16_777}),
        ({"vocabulary": 100}, 10**6, {"buckets": 4096}),
        ({"buckets": 2**20}, 1000, {}),
    ],
)
def test_many_classes_share_fewer_buckets(
    options: dict[str, int], classes: int, chosen: dict[str, int]
) -> None:
    for builder in ("ngrams", "committee"):
        model = ModelConfig(builder=builder, options=options)
        found, note = options_for_classes(model, classes)
        assert found == chosen
        assert (note is None) == (not chosen)
        if note:
            assert f"{classes:,} classes: model.buckets={chosen['buckets']} instead of" in note
            assert "to choose yourself, set model.buckets" in note
            check_options(model.model_copy(update={"options": {**options, **found}}))


def test_other_networks_do_not_depend_on_the_classes() -> None:
    assert options_for_classes(ModelConfig(builder="cnn", options={}), 1000) == ({}, None)
