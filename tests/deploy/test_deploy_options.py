"""The options of a deployment, and which values are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from modelwright.core.errors import ConfigError
from modelwright.deploy.options import SERVING_IMAGE, DeployOptions, check_deploy_options


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("name", "Shop", "the name 'Shop' cannot be that of a Kubernetes object"),
        ("name", "a" * 41, "at most 40"),
        ("name", 'a"\nkind: Secret', "small letters a-z"),
        ("image", "tensorflow/serving", "has no version"),
        ("image", "tensorflow/serving:latest", f"as in '{SERVING_IMAGE}'"),
        ("image", "a:1\ncommand: [sh]", "has no version"),
        ("cpus", 0, "expected 1 to 256"),
        ("memory_mib", 10, "expected 256 to"),
        ("replicas", (3, 2), "the smaller first"),
        ("replicas", (0, 2), "numbers from 1"),
        ("storage_uri", "/models", "pvc://CLAIM/PATH"),
        ("storage_uri", 's3://a"', "without spaces"),
        ("nodes_path", "models", "an absolute path"),
        ("nodes_path", '/a"', "an absolute path"),
    ],
)
def test_invalid_options_are_refused(option: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        check_deploy_options(dataclasses.replace(DeployOptions(), **{option: value}))


def test_common_options_are_accepted() -> None:
    given = DeployOptions(storage_uri="s3://bucket/models", nodes_path="/srv/models")
    assert check_deploy_options(given) is given
    assert given.tag == "2.21.0"
    assert given.between(2, 6) == (2, 6)
    assert DeployOptions(replicas=(1, 9)).between(2, 6) == (1, 9)
