from __future__ import annotations

import pytest

from modelwright.core.config import (
    Config,
    DataConfig,
    TrainConfig,
    check_table,
    from_toml,
    to_toml,
)
from modelwright.core.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"epoch": 3}, r"unknown key 'train.epoch'\. Did you mean 'epochs'\?"),
        ({"epochs": 0}, r"'train.epochs' was given 0; expected an integer at least 1"),
        ({"epochs": "many"}, r"'train.epochs' was given 'many'"),
        ({"precision": "fp16"}, r"'float32' or 'mixed_bfloat16' or 'mixed_float16'"),
        ({"learning_rate": float("nan")}, r"'train.learning_rate' was given nan"),
        ({"seed": -1}, r"'train.seed' was given -1; expected an integer at least 0"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(values: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        check_table(TrainConfig, values, "train")
    assert "\n" not in str(caught.value)


def test_a_value_with_two_types_names_both() -> None:
    with pytest.raises(ConfigError, match="'auto' or an integer at least 8 and at most 1024"):
        check_table(DataConfig, {"image_size": 4}, "data")


def test_a_config_is_frozen() -> None:
    config = check_table(TrainConfig, {}, "train")
    with pytest.raises(ValueError, match="frozen"):
        config.epochs = 3  # type: ignore[misc]


def test_a_config_of_an_earlier_version_turns_no_image() -> None:
    tables = {
        "name": "a",
        "recipe": "cnn",
        "data": DataConfig(source="x"),
        "model": {"builder": "cnn"},
        "train": {},
    }
    text = to_toml(Config.model_validate(tables))
    assert from_toml(text).data.orientation
    earlier = "".join(line for line in text.splitlines(True) if not line.startswith("orientation"))
    assert not from_toml(earlier).data.orientation
