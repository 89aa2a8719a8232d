"""Which backend of Keras is used, and the errors for one that cannot train."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import pytest

from modelwright.core import backend as backends
from modelwright.core.backend import keras_backend, load_keras
from modelwright.core.errors import ConfigError, MissingDependencyError


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process that has not imported Keras, with an empty folder for its settings."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def test_the_environment_comes_before_the_keras_file_and_the_default(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keras_backend() == "tensorflow"
    (fresh / "keras.json").write_text('{"backend": "jax"}')
    assert keras_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert keras_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert keras_backend() == "tensorflow"
    monkeypatch.delenv("KERAS_BACKEND")
    (fresh / "keras.json").write_text("[")
    assert keras_backend() == "tensorflow"


def test_a_loaded_keras_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert keras_backend() == keras.config.backend()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("torch", r"KERAS_BACKEND is 'torch'\. Modelwright trains with tensorflow .* or jax; set"),
        ("JAX", r"KERAS_BACKEND is 'JAX'\. Did you mean 'jax'\?"),
        ("tensorflo", r"Did you mean 'tensorflow'\?"),
    ],
)
def test_an_unknown_backend_is_rejected(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(ConfigError, match=says):
        load_keras()
    monkeypatch.delenv("KERAS_BACKEND")
    (fresh / "keras.json").write_text('{"backend": "torch"}')
    with pytest.raises(ConfigError, match=r"the backend in .*keras\.json is 'torch'"):
        load_keras()


def test_a_missing_jax_says_how_to_install_it(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = util.find_spec
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(backends.util, "find_spec", lambda n: None if n == "jax" else there(n))
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[jax\]'"):
        load_keras()


def test_a_wrong_backend_ends_a_command_with_one_line_but_does_not_affect_predict(
    text_servable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    command = [sys.executable, "-m", "modelwright"]
    done = subprocess.run([*command, "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: KERAS_BACKEND is 'torch'.")
    assert done.stderr.count("\n") == 1
    done = subprocess.run(
        [*command, "predict", str(text_servable), "很好"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


_PRINT_SETTINGS = """
import os, sys
from modelwright.core.backend import load_keras, skip_unused_packages
skip_unused_packages()
load_keras()
import keras
print(keras.config.image_data_format(), keras.config.floatx(), keras.config.epsilon(),
    keras.config.backend(), keras.config.max_epochs(), os.environ["KERAS_HOME"],
    *({"jax", "matplotlib", "pandas", "sklearn"} & sys.modules.keys()))
"""


def test_a_keras_file_that_keras_rejects_does_not_reach_a_process(tmp_path: Path) -> None:
    settings = {"image_data_format": "channels_first", "floatx": "float99", "epsilon": 1}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    variables = {"KERAS_HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_SETTINGS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    )
    assert done.stdout.split() == [
        *("channels_last", "float32", "1e-07", "tensorflow", "None", str(tmp_path))
    ]


def test_settings_that_other_code_gave_keras_are_reset() -> None:
    import keras

    from modelwright.training.runtime import make_deterministic

    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float16")
    keras.config.set_max_steps_per_epoch(1)
    make_deterministic(0)
    assert keras.config.image_data_format() == "channels_last"
    assert keras.config.floatx() == "float32"
    assert keras.config.max_steps_per_epoch() is None


def test_skipped_packages_are_hidden_only_while_keras_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("loaded_before", "not_needed", "in_use"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    before = import_module("loaded_before")
    monkeypatch.setattr(backends, "_UNUSED", ("loaded_before", "not_needed", "in_use"))
    monkeypatch.setattr(backends, "_skipped", set())
    monkeypatch.setattr(backends, "_configured", lambda: ("in_use", "here"))
    with backends._without_skipped_packages():
        assert import_module("not_needed")  # a user's process loads everything
    del sys.modules["not_needed"]
    backends.skip_unused_packages()
    with backends._without_skipped_packages():
        with pytest.raises(ImportError):
            import_module("not_needed")
        assert import_module("loaded_before") is before
        assert import_module("in_use")
    assert import_module("not_needed")
