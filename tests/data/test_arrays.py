from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import DataError
from modelwright.data.readers.arrays import read_npz

X = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


def save(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def test_the_layout_of_keras(tmp_path: Path) -> None:
    path = save(tmp_path, x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    found = read_npz(path)
    assert found.values.shape == (8, 4, 4, 1)
    assert found.labels == ["0", "1", "2", "0", "1", "2", "0", "1"]
    assert found.splits == ["train"] * 6 + ["test"] * 2
    assert found.origin(7) == "a.npz x_test[1]"


@pytest.mark.parametrize("kind", ["U", "S"])
def test_one_pair_of_arrays_with_label_names(tmp_path: Path, kind: str) -> None:
    color = np.repeat(X[..., None], 3, axis=-1)
    names = np.array(["c", "a", "b"]).astype(kind)
    found = read_npz(save(tmp_path, images=color, labels=Y[:, None], label_names=names))
    assert (found.splits, found.label_order) == (None, ("c", "a", "b"))
    assert found.labels[:3] == ["c", "a", "b"]
    assert read_npz(save(tmp_path, x=X, y=names[Y])).labels[:3] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": X / 255, "y": Y}, r"x in a.npz is float64, expected uint8.*\(x \* 255\)"),
        ({"x": X.astype(int), "y": Y}, "int64, expected uint8"),
        ({"x": X.reshape(6, 16), "y": Y}, r"has the shape \(6, 16\)"),
        ({"x": np.zeros((6, 3, 8, 8), np.uint8), "y": Y}, "channels first.*transpose"),
        ({"x": X, "y": np.eye(6)}, "one-hot"),
        ({"x": X, "y": Y / 2}, "expected integers or texts"),
        ({"x": X, "y": Y[:3]}, "6 rows in x and 3 in y"),
        ({"x": X, "y": Y, "classes": np.array(["a", "b"])}, "label 2; the file names 2 classes"),
        ({"a": X, "b": Y}, "has the arrays a, b; expected x_train"),
        ({"x": X, "y": np.array([{}] * 6, object)}, "pickles and never executed"),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :2], "y_test": Y},
            r"have the shapes \(4, 4, 1\), \(2, 4, 1\)",
        ),
    ],
)
def test_unsuitable_arrays_are_explained(
    tmp_path: Path, arrays: dict[str, np.ndarray], text: str
) -> None:
    with pytest.raises(DataError, match=text):
        read_npz(save(tmp_path, **arrays))


def test_a_damaged_npz_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"not a readable .npz file"):
        read_npz(path)
    content = save(tmp_path, x=X, y=Y).read_bytes()
    path.write_bytes(content.replace(b"'shape': (6, 4, 4)", b"'shape': (9, 4, 4)"))
    with pytest.raises(DataError, match=r"not a readable .npz file"):
        read_npz(path)
