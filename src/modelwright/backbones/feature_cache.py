"""The features that were computed before, on disk, by the content of each image.

CACHE/features/KIND/NAME.npz holds the content hashes and the features of a few hundred images. KIND
says what the features depend on besides the image. A file is written once and never changed. When
all files take more than ``LIMIT``, those that were not read for the longest time are deleted.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelwright.core.cache import cache_folder
from modelwright.core.files import write_atomic
from modelwright.core.types import FloatArray

LIMIT = 2**31
"""Bytes that all files may take: the features of about 400,000 images."""
Digests = npt.NDArray[np.uint64]


def features_folder() -> Path:
    """Returns the folder of all features. It may be deleted at any time."""
    return cache_folder() / "features"


class FeatureCache:
    """The stored features of one kind."""

    def __init__(self, kind: str, limit: int = LIMIT) -> None:
        """Reads no file yet.

        Args:
            kind: What the features depend on besides the image, as the name of a folder.
            limit: Bytes that the features of all kinds may take.
        """
        self.folder = features_folder() / kind
        self.limit = limit

    def read(self, digests: Digests) -> tuple[FloatArray | None, npt.NDArray[np.bool_]]:
        """Returns the stored features of images, and which of them are stored.

        A file that cannot be read counts as not stored.

        Args:
            digests: Content hashes ``[n, 2]``.

        Returns:
            The features, float32 ``[n, d]``, and whether each row is stored, bool ``[n]``. Only
            stored rows are set. The features are None if no row is stored.
        """
        wanted = _keys(digests)
        found = np.zeros(len(wanted), bool)
        features: FloatArray | None = None
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    keys = _keys(stored["digests"])
                    order = np.argsort(keys)
                    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
                    here = keys[order[at]] == wanted
                    if not here.any():
                        continue
                    values = stored["features"]
                os.utime(path)
            except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile):
                continue
            if features is None:
                features = np.zeros((len(wanted), values.shape[1]), np.float32)
            if values.shape[1:] == features.shape[1:] and len(values) == len(keys):
                features[here] = values[order[at[here]]]
                found |= here
        return features, found

    def write(self, digests: Digests, features: FloatArray) -> None:
        """Stores features, and deletes the oldest files where all take more than the limit.

        Raises:
            OSError: The folder cannot be written.
        """
        name = hashlib.blake2b(digests.tobytes(), digest_size=16).hexdigest()
        write_atomic(
            self.folder / f"{name}.npz",
            lambda file: np.savez(file, allow_pickle=False, digests=digests, features=features),
        )
        self._delete_oldest()

    def _delete_oldest(self) -> None:
        files = []
        for path in features_folder().glob("*/*.npz"):
            try:
                status = path.stat()
            except OSError:  # another training deleted it
                continue
            files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.limit:
                return
            path.unlink(missing_ok=True)
            total -= size


def _keys(digests: Digests) -> npt.NDArray[np.void]:
    """Returns hashes ``[n, 2]`` as one value each, so that they can be sorted and compared."""
    return np.ascontiguousarray(digests).view([("high", "<u8"), ("low", "<u8")]).ravel()
