"""A restored network is the trained network; whatever does not fit its manifest is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ServableError
from modelwright.models.output_layer import two_columns
from modelwright.runs.run import load_run
from modelwright.servable.manifest import read_manifest
from modelwright.servable.restore import restore_network


def test_a_restored_network_has_the_weights_of_the_run(
    image_servable: Path, image_run: Path
) -> None:
    restored = restore_network(image_servable, read_manifest(image_servable))
    trained = load_run(image_run).network()
    assert len(restored.variables) == len(trained.variables)
    for one, other in zip(restored.variables, trained.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_network_without_padding_gives_the_same_answers(text_servable: Path) -> None:
    manifest = read_manifest(text_servable)
    padded = restore_network(text_servable, manifest)
    unpadded = restore_network(text_servable, manifest, unpadded=True)
    assert padded.input_shape == (None, 12) and unpadded.input_shape == (None, None)
    ids = np.array([[5, 3, 9, 2]], np.int32)
    expected = padded(np.pad(ids, [(0, 0), (0, 8)]))
    np.testing.assert_allclose(two_columns(unpadded(ids)), two_columns(expected), atol=1e-6)


def test_other_variables_replace_those_of_the_servable(
    image_servable: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(image_servable)
    own = restore_network(image_servable, manifest)
    twice = {str(at): 2 * np.asarray(one) for at, one in enumerate(own.variables)}
    np.savez(tmp_path / "twice.npz", **twice)
    other = restore_network(image_servable, manifest, variables=tmp_path / "twice.npz")
    for one, doubled in zip(own.variables, other.variables, strict=True):
        np.testing.assert_array_equal(2 * np.asarray(one), doubled)


def test_variables_of_another_network_are_refused(
    image_servable: Path, text_servable: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(image_servable)
    with pytest.raises(ServableError, match=r"the variables in .* are not those of the network"):
        restore_network(text_servable, manifest)
    np.savez(tmp_path / "few.npz", **{"0": np.zeros(3)})
    with pytest.raises(ServableError, match="are not those of the network"):
        restore_network(image_servable, manifest, variables=tmp_path / "few.npz")
    folder = Path(shutil.copytree(image_servable, tmp_path / "1"))
    shutil.rmtree(folder / "variables")
    with pytest.raises(ServableError, match="are not those of the network"):
        restore_network(folder, replace(manifest))
