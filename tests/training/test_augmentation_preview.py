"""The preview of rows and of their augmentation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from modelwright.core.errors import ConfigError
from modelwright.training.augmentation_preview import parse_augmentation

Cli = Callable[..., tuple[int, str, str]]


def test_names_and_values_become_settings() -> None:
    settings, assumed = parse_augmentation(["rotation=0.2, flip", "crop,mixup"])
    assert settings == {"augment": "flip+crop", "rotation": 0.2, "shift": 0.125, "mixup": 0.4}
    assert assumed == ("crop=0.125", "mixup=0.4")
    assert parse_augmentation([])[0] == {}
    assert parse_augmentation(["flip+crop=0.1"])[0] == {"augment": "flip+crop", "shift": 0.1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rotate", "Did you mean 'rotation'"),
        ("flip=2", r"was given 'flip=2'.*Expected one or several of flip, crop=NUMBER"),
        ("zoom=much", r"'zoom=much'; expected a number, for example zoom=0\.2"),
        ("", "was given ''"),
        ("zoom=0.2, zoom=0.3", "zoom twice"),
    ],
)
def test_an_unknown_augmentation_says_what_is_known(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_augmentation([text])


def test_the_sheet_shows_each_kind_and_the_draws(cli: Cli, colors: Path, tmp_path: Path) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    code, out, _ = cli("data", "show", colors, "--augment", "flip,mixup=1", "--rows", 3,
                       "--draws", 2, "--out", large, "--json")  # fmt: skip
    report = json.loads(out)
    assert code == 0
    assert report["settings"] == {"augment": "flip", "mixup": 1.0}
    assert [row["label"] for row in report["rows"]] == ["blue", "green", "red"]
    code, out, _ = cli("data", "show", colors, "--rows", 3, "--out", small)
    assert code == 0 and "green" in out and str(small) in out
    with Image.open(large) as one, Image.open(small) as other:
        assert one.width > 2 * other.width


def test_texts_are_shown_but_not_augmented(cli: Cli, reviews: Path, tmp_path: Path) -> None:
    code, out, _ = cli("data", "show", reviews, "--rows", 2)
    assert code == 0 and "pos" in out and "neg" in out
    code, _, err = cli("data", "show", reviews, "--augment", "flip", "--out", tmp_path / "a.png")
    assert code == 2 and "holds texts; only images are augmented" in err
    assert not (tmp_path / "a.png").exists()
    code, _, err = cli("data", "show", reviews, "--augment", "rotation=3")
    assert code == 2 and "'model.rotation' was given 3.0; expected a number" in err
