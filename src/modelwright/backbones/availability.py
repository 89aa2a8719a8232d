"""Whether the weights of a backbone can be had, for a choice that has another way to go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from modelwright.backbones.catalog import find_backbone
from modelwright.backbones.files import how_to_get, obtain_file, search_here
from modelwright.core.downloads import open_url, run_command
from modelwright.core.errors import ModelwrightError
from modelwright.core.types import Progress

OFFLINE = "MODELWRIGHT_OFFLINE"
"""If it is set, nothing is fetched for a choice."""
_IMPATIENT = ("--retries", "1", "--timeout", "8")


def why_missing(
    name: str, *, folder: Path | None = None, progress: Progress | None = None
) -> str | None:
    """Returns why a backbone's weights cannot be had and how to get them; None if they are here.

    They are fetched where that is possible and ``MODELWRIGHT_OFFLINE`` is not set.

    Args:
        name: Name of the backbone.
        folder: Folder to search first.
        progress: Called during the download.

    Raises:
        ConfigError: The name is unknown.
    """
    backbone = find_backbone(name)
    try:
        if search_here(backbone, folder)[0] is not None:
            return None
        if os.environ.get(OFFLINE):
            why = f"the weights of {name} are not here, and {OFFLINE} is set"
            return f"{why}. {how_to_get(backbone)}"
        obtain_file(backbone, folder=folder, progress=progress, opener=open_url, run=_run)
    except ModelwrightError:
        return f"the weights of {name} are not here and cannot be fetched. {how_to_get(backbone)}"
    return None


def _run(command: Sequence[str]) -> None:
    """Runs pip with less patience: a training waits for it that can go on without it."""
    run_command([*command, *_IMPATIENT])
