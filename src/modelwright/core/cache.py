"""The folder in which downloads are kept, so that each happens once."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Returns ``MODELWRIGHT_CACHE``, or the system's folder for caches.

    Named sets are in ``data/NAME/``, the weights of backbones in ``backbones/NAME/``.
    """
    folder = os.environ.get("MODELWRIGHT_CACHE")
    return Path(folder) if folder else Path(platformdirs.user_cache_dir("modelwright"))
